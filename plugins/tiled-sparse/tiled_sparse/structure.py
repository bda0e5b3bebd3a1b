"""Shape, chunks and element type of a sparse array, as http-api 3.4 has them on the wire."""

from __future__ import annotations

from msgspec import Struct

from tiledkernel.families.array.structure import DataType

FAMILY = "sparse"
UINT64 = DataType(endianness="little", kind="u", itemsize=8, dt_units=None)
INT64 = DataType(endianness="little", kind="i", itemsize=8, dt_units=None)


class SparseStructure(Struct, frozen=True, kw_only=True):
    """A sparse array without its elements; `coord_data_type` is that of the columns of coordinates."""

    shape: tuple[int, ...]
    chunks: tuple[tuple[int, ...], ...]
    data_type: DataType
    coord_data_type: DataType = UINT64
    dims: tuple[str, ...] | None = None
    resizable: bool = False
    layout: str = "COO"

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)
