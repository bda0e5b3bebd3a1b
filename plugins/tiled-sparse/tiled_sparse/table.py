"""A sparse array as a table."""

from __future__ import annotations

from typing import Any

import pyarrow
from numpy.typing import NDArray

from tiled_sparse.payload import SparsePayload
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.payload import TablePayload


def as_table(payload: SparsePayload) -> TablePayload:
    """One row per stored element: its coordinates, and its value."""
    elements = payload.read()
    columns = {f"dim{axis}": column(coordinates) for axis, coordinates in enumerate(elements.coords)}
    table = pyarrow.table(columns | {"data": column(elements.data)})
    return TablePayload(MemoryTable(table), None, [0], payload.limit)


def column(values: NDArray[Any]) -> pyarrow.Array[Any]:
    """A column of a table; NotAcceptable for element types that Arrow does not have."""
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    try:
        made: pyarrow.Array[Any] = pyarrow.array(values)
    except pyarrow.ArrowException as error:
        raise NotAcceptable(f"elements of type {values.dtype} cannot be held by tables: {error}") from error
    return made
