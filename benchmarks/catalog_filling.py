"""Fill catalogs with the tree of `catalog_tree`: ours by its own bulk operation, the reference's by statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import catalog_tree
import msgspec
import numpy as np
from catalog_tree import SIDE, Shelf, key_of, metadata_of, uri_of
from tiled_sql_catalog import revisions
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.records import Node
from tiled_sql_catalog.store import Store

from tiledkernel.families.array.describe import describe_array
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.writing import Draft

AT_ONCE = 5000  # nodes in one transaction
MEDIA_TYPE = "application/x-npy"
STRUCTURE = describe_array((SIDE, SIDE), np.dtype("<u2"))


def fill_ours(path: Path, size: int) -> None:
    """Make a catalog with what one calls from Python to make many nodes."""
    database = Database(str(path))
    revisions.init(database)
    store = Store(database)
    containers: dict[tuple[str, ...], Node] = {(): store.root()}
    for shelf in catalog_tree.shelves(size):
        if shelf.keys not in containers:
            containers[shelf.keys] = store.create(containers[shelf.keys[:-1]], shelf.keys[-1])
        for numbers in _batches(shelf.count):
            store.create_many(containers[shelf.keys], [_draft(shelf, number) for number in numbers])
    database.close()


def _draft(shelf: Shelf, number: int) -> Draft:
    asset = Asset(data_uri=uri_of(shelf.keys, number), is_directory=False, parameter="data_uri")
    source = DataSource(
        structure_family="array", structure=STRUCTURE, mimetype=MEDIA_TYPE, assets=(asset,), management="external"
    )
    return Draft(family="array", key=key_of(number), metadata=metadata_of(number), data_sources=(source,))


def _batches(count: int) -> Iterator[range]:
    return (range(start, min(start + AT_ONCE, count)) for start in range(0, count, AT_ONCE))


def fill_reference(path: Path, size: int) -> None:
    """Put rows into the tables of a catalog that the reference has just initialised; its triggers do the rest.

    Over HTTP this would take an hour.
    """
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA cache_size = -262144")
        rows = _Rows(connection)
        containers: dict[tuple[str, ...], int] = {(): 0}
        for shelf in catalog_tree.shelves(size):
            if shelf.keys not in containers:
                containers[shelf.keys] = rows.container(containers[shelf.keys[:-1]], shelf.keys[-1])
            rows.arrays(containers[shelf.keys], shelf)
    connection.close()


class _Rows:
    """Rows of the reference's tables."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._structure = "0" * 32
        self._last = 0
        connection.execute("INSERT INTO structures VALUES (?, ?)", (self._structure, _compact(STRUCTURE)))

    def container(self, parent: int, key: str) -> int:
        """A new container; its id."""
        self._last += 1
        self._many("nodes", "id, parent, key, structure_family, metadata, specs", [
            (self._last, parent, key, "container", "{}", "[]")
        ])  # fmt: skip
        return self._last

    def arrays(self, parent: int, shelf: Shelf) -> None:
        """The arrays of a container, their data sources and the files of these; equal ids belong together."""
        first = self._last + 1
        self._last += shelf.count
        ids = [(first + number, number) for number in range(shelf.count)]
        self._many("nodes", "id, parent, key, structure_family, metadata, specs", (
            (id_, parent, key_of(number), "array", _compact(metadata_of(number)), "[]") for id_, number in ids
        ))  # fmt: skip
        names = "id, node_id, structure_id, mimetype, parameters, properties, management, structure_family"
        self._many("data_sources", names, (
            (id_, id_, self._structure, MEDIA_TYPE, "{}", "{}", "external", "array") for id_, _ in ids
        ))  # fmt: skip
        self._many("assets", "id, data_uri, is_directory", (
            (id_, uri_of(shelf.keys, number), 0) for id_, number in ids
        ))  # fmt: skip
        self._many("data_source_asset_association", "data_source_id, asset_id, parameter", (
            (id_, id_, "data_uri") for id_, _ in ids
        ))  # fmt: skip

    def _many(self, table: str, names: str, rows: Any) -> None:
        places = ", ".join("?" for _ in names.split(","))
        self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)


def _compact(value: Any) -> str:
    """JSON without spaces, as the reference stores it."""
    return msgspec.json.encode(value).decode()
