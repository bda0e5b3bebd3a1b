"""The part of a table that a request asks for, read partition by partition."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

import pyarrow

from tiledkernel.errors import BadRequest, KernelError, ReadFailed, TooLarge
from tiledkernel.families.table.memory import index_columns, select_columns
from tiledkernel.families.table.structure import SCHEMA_PREFIX
from tiledkernel.nodes.protocols import TableNode


class TablePayload:
    """Some columns (None: all) of some partitions of a table node; reading stops where it exceeds `limit` bytes."""

    __slots__ = ("columns", "limit", "node", "partitions", "schema")

    def __init__(
        self, node: TableNode, columns: Sequence[str] | None, partitions: Sequence[int], limit: int | None = None
    ) -> None:
        self.node = node
        self.limit = limit
        self.columns = columns
        self.partitions = partitions
        self.schema = select_schema(table_schema(node), columns)

    def tables(self) -> Iterator[pyarrow.Table]:
        """The rows, one partition at a time; TooLarge when there are too many."""
        total = 0
        for partition in self.partitions:
            try:
                table = self.node.read_partition(partition, self.columns)
            except KernelError:
                raise
            except Exception as error:
                raise ReadFailed("the reader failed") from error
            total += table.nbytes
            if self.limit is not None and total > self.limit:
                raise TooLarge(
                    f"this selection is more than the {self.limit:_} bytes that this server sends at once: "
                    "name fewer columns, or read one partition at a time"
                )
            yield table

    def read(self) -> pyarrow.Table:
        """All rows at once."""
        tables = list(self.tables())
        return tables[0] if len(tables) == 1 else pyarrow.concat_tables(tables, promote_options="permissive")

    @property
    def index(self) -> tuple[str, ...]:
        """Names of the index columns."""
        return index_columns(self.schema)


def table_schema(node: TableNode) -> pyarrow.Schema:
    """The Arrow schema that a table describes itself with."""
    encoded = node.structure.arrow_schema.removeprefix(SCHEMA_PREFIX)
    return pyarrow.ipc.read_schema(pyarrow.py_buffer(base64.b64decode(encoded)))


def select_schema(schema: pyarrow.Schema, columns: Sequence[str] | None) -> pyarrow.Schema:
    """The schema of a selection of columns; BadRequest names an unknown one and lists those there are."""
    if columns is None:
        return schema
    try:
        return select_columns(schema.empty_table(), columns).schema
    except KeyError as error:
        known = ", ".join(repr(name) for name in schema.names[:20])
        raise BadRequest(f"no column {error.args[0]!r}: this table has {known}") from None
