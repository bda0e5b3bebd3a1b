"""A column of a table as an array."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow
from numpy.typing import NDArray

from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.memory import fixed_size
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.families.table.payload import table_schema
from tiledkernel.nodes.protocols import Stamped, TableNode
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec

# By name: older releases of pyarrow do not have these types.
_VIEWS: dict[str, Any] = {"string_view": pyarrow.large_string(), "binary_view": pyarrow.large_binary()}


class ColumnArray:
    """One column, read when its length or its values are needed; one chunk per partition."""

    family: ClassVar[str] = "array"
    specs: tuple[Spec, ...] = ()

    def __init__(self, table: TableNode, column: str) -> None:
        self._table = table
        self._column = column
        self.metadata: Mapping[str, Any] = {}

    @cached_property
    def _parts(self) -> list[NDArray[Any]]:
        count = self._table.structure.npartitions
        tables = [self._table.read_partition(partition, [self._column]) for partition in range(count)]
        parts = [fixed_size(as_numpy(table.column(self._column))) for table in tables]
        dtype = np.result_type(*parts) if len({part.dtype for part in parts}) > 1 else parts[0].dtype
        return [part.astype(dtype, copy=False) for part in parts]

    @cached_property
    def _values(self) -> NDArray[Any]:
        return self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts)

    @cached_property
    def structure(self) -> ArrayStructure:
        """Shape (rows,), and one chunk for each partition that has rows."""
        lengths = tuple(len(part) for part in self._parts if len(part)) or (0,)
        values = self._values
        return describe_array(values.shape, values.dtype, (lengths, *((length,) for length in values.shape[1:])))

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected rows."""
        return np.asarray(self._values[cut.index])

    def stamp(self, cut: Cut | None) -> Hashable:
        """That of the table."""
        return self._table.stamp(cut) if isinstance(self._table, Stamped) else None


def as_numpy(column: pyarrow.ChunkedArray[Any]) -> NDArray[Any]:
    """A column as a numpy array: missing numbers are NaN, missing dates NaT, missing texts and times of day empty."""
    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if (plain := _VIEWS.get(str(kind))) is not None:
        column, kind = column.cast(plain), plain
    if pyarrow.types.is_time(kind):
        column = column.cast(pyarrow.string())
        kind = column.type
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return np.array(["" if value is None else value for value in column.to_pylist()], dtype=np.str_)
    if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind) or pyarrow.types.is_fixed_size_binary(kind):
        return np.array([b"" if value is None else value for value in column.to_pylist()], dtype=np.bytes_)
    if pyarrow.types.is_date(kind) or pyarrow.types.is_timestamp(kind):
        return _moments(column)
    if pyarrow.types.is_boolean(kind) and column.null_count == 0:
        return np.asarray(column.to_numpy()).astype(np.bool_)
    if pyarrow.types.is_decimal(kind):
        column = column.cast(pyarrow.float64())
    return np.asarray(column.to_numpy())


def _moments(column: pyarrow.ChunkedArray[Any]) -> NDArray[Any]:
    """Dates in nanoseconds, or in microseconds if some are too far from 1970 for that (before 1677, after 2262)."""
    try:
        return np.asarray(column.cast(pyarrow.timestamp("ns")).to_numpy())
    except pyarrow.ArrowInvalid:
        return np.asarray(column.cast(pyarrow.timestamp("us")).to_numpy())


def child(node: TableNode, key: str) -> ColumnArray:
    """The column of a table as an array node; KeyError if there is none."""
    if key not in node.structure.columns and key not in table_schema(node).names:
        raise KeyError(key)
    return ColumnArray(node, key)
