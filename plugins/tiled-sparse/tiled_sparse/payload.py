"""The part of a sparse array that a request asks for, and how it looks as a table."""

from __future__ import annotations

from typing import Any

import pyarrow
from numpy.typing import NDArray

from tiled_sparse.elements import Elements, flipped
from tiled_sparse.memory import SparseNode
from tiledkernel.errors import KernelError, NotAcceptable, ReadFailed
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.slices import Cut


class SparsePayload:
    """A cut of a sparse node; as a table it may have at most `limit` bytes."""

    __slots__ = ("cut", "limit", "node")

    def __init__(self, node: SparseNode, cut: Cut, limit: int | None = None) -> None:
        self.node = node
        self.cut = cut
        self.limit = limit

    def read(self) -> Elements:
        """The stored elements, with coordinates relative to the cut."""
        try:
            elements = self.node.read(self.cut)
        except KernelError:
            raise
        except Exception as error:
            raise ReadFailed("the reader failed") from error
        return flipped(elements, self.cut.flipped)


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
