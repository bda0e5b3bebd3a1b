"""Shape, chunks and element type of a ragged array, as http-api 3.7 has them on the wire."""

from __future__ import annotations

from msgspec import Struct

from tiledkernel.families.array.structure import DataType

FAMILY = "ragged"


class RaggedStructure(Struct, frozen=True, kw_only=True):
    """A ragged array without its numbers; axes along which lengths vary are None in `shape` and `chunks`.

    `size` is the number of elements. Only the first axis may have several chunks.
    """

    data_type: DataType
    shape: tuple[int | None, ...]
    size: int
    chunks: tuple[tuple[int, ...] | None, ...]
    dims: tuple[str, ...] | None = None
    resizable: bool = False

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)
