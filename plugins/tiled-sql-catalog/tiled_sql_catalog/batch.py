"""New nodes with all that belongs to them, stored together: a few statements, however many nodes there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec.structs import astuple
from sqlalchemy import Connection

from tiled_sql_catalog.dialects import Dialect
from tiled_sql_catalog.entries import Entry
from tiled_sql_catalog.records import COLUMNS, Node
from tiled_sql_catalog.schema import entries, nodes
from tiled_sql_catalog.sources import add_sources
from tiledkernel.nodes.protocols import DataSource

IndexRow: TypeAlias = tuple[int, int, bytes, int]  # parent, address, value, node
_NODE = (*(column.name for column in COLUMNS), "revised")
_ENTRY = ("parent", "address", "value", "node")


class Batch:
    """Nodes to be stored, in the order of their ids."""

    def __init__(self) -> None:
        self._nodes: list[tuple[object, ...]] = []
        self._index: list[IndexRow] = []
        self._sources: list[tuple[int, DataSource]] = []

    def add(
        self, node: Node, entered: Iterable[Entry], sources: Sequence[DataSource] = (), *, revised: int = 0
    ) -> None:
        """A node with what the index is to know of it; `revised` is the number of its last revision."""
        self._nodes.append((*astuple(node), revised))
        if node.parent is not None:
            self._index += [(node.parent, address, value, node.id) for address, value in entered]
        self._sources += [(node.id, source) for source in sources]

    def store(self, connection: Connection, dialect: Dialect) -> None:
        """Insert everything."""
        dialect.load(connection, nodes, _NODE, self._nodes, "")
        add_sources(connection, dialect, self._sources)
        insert_entries(connection, dialect, self._index)


def insert_entries(connection: Connection, dialect: Dialect, index: Sequence[IndexRow]) -> None:
    """Put entries into the index, in its order."""
    dialect.load(connection, entries, _ENTRY, sorted(index), "")


def delete_entries(connection: Connection, dialect: Dialect, index: Sequence[IndexRow]) -> None:
    """Take entries out of the index."""
    dialect.unload(connection, entries, _ENTRY, sorted(index))
