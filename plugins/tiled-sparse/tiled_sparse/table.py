"""A sparse array as a table."""

from __future__ import annotations

from tiled_sparse.payload import SparsePayload
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.payload import TablePayload


def as_table(payload: SparsePayload) -> TablePayload:
    """One row per stored element: its coordinates, and its value."""
    elements = payload.read()
    columns = {f"dim{axis}": coordinates for axis, coordinates in enumerate(elements.coords)}
    return TablePayload(MemoryTable(columns | {"data": elements.data}), None, [0], payload.limit)
