"""Adapters of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow

from tiled_bridge.calls import takes
from tiled_bridge.node import AdapterNode, Fresh
from tiled_bridge.results import computed
from tiled_bridge.structures import convert_structure
from tiledkernel.errors import ReadFailed
from tiledkernel.families.table.memory import as_arrow, index_columns
from tiledkernel.families.table.payload import select_schema, table_schema
from tiledkernel.families.table.structure import TableStructure


class AdapterTable(AdapterNode):
    """Rows and columns that an adapter reads, one partition at a time."""

    @Fresh
    def structure(self) -> TableStructure:
        """Schema, columns and number of partitions."""
        return convert_structure(self.value("structure"), TableStructure, self.source)

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pyarrow.Table:
        """One partition in the order of `columns`, with the index columns last; all columns if None."""
        wanted = select_schema(table_schema(self), columns)
        index = index_columns(wanted)
        names = None if columns is None else [name for name in columns if name not in index]
        return as_declared(self._read(partition, names), wanted, self.source)

    def _read(self, partition: int, names: list[str] | None) -> Any:
        alone = self.structure.npartitions == 1
        if hasattr(self.adapter, "read_partition"):
            method, leading = "read_partition", [partition]
        elif alone and hasattr(self.adapter, "read"):
            method, leading = "read", []
        else:
            raise ReadFailed(f"{self.source} has no method 'read_partition'")
        takes_names = takes(getattr(self.adapter, method), *leading, names)
        return computed(self.ask(method, *leading, names) if takes_names else self.ask(method, *leading))


def as_declared(found: Any, schema: pyarrow.Schema, source: str) -> pyarrow.Table:
    """What an adapter has read, with the columns, types and order that its structure declares.

    ReadFailed names a column that is missing, or whose values are of another kind.
    """
    if not isinstance(found, (pyarrow.Table, pyarrow.RecordBatch, Mapping)):
        found = _from_pandas(found, schema)
    table = as_arrow(found)
    missing = [name for name in schema.names if name not in table.schema.names]
    if missing:
        raise ReadFailed(f"{source} has read no column {missing[0]!r}, which its structure declares")
    try:
        return table.select(schema.names).cast(schema)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, ValueError) as error:
        raise ReadFailed(f"{source} has read other types than its structure declares: {error}") from None


def _from_pandas(frame: Any, schema: pyarrow.Schema) -> pyarrow.Table:
    """An Arrow table of a frame's columns, and of its index as far as the schema has it."""
    try:
        return pyarrow.Table.from_pandas(frame, schema=schema)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError, KeyError):
        return pyarrow.Table.from_pandas(frame)  # types that Arrow infers can often be cast, or else are told
