"""Arrays in files that somebody registers: whether what is said about them can be true of any array."""

from __future__ import annotations

from tiledkernel.errors import Unprocessable
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import ArrayStructure

MAX_NDIM = 64
MAX_BYTES = 1 << 62
_SHOWN = 40  # lengths that a message lists


def check_registered(structure: ArrayStructure) -> None:
    """Unprocessable if no file can hold such an array; whether this one does is seen when it is read."""
    shape, chunks, dims = structure.shape, structure.chunks, structure.dims
    try:
        to_numpy(structure.data_type)
    except ValueError as error:
        raise _refused(str(error)) from None
    if len(shape) > MAX_NDIM or any(length < 0 for length in shape) or structure.nbytes > MAX_BYTES:
        raise _refused(
            f"no array has the shape {list(shape)[:_SHOWN]}: expected at most {MAX_NDIM} lengths of 0 or more, and "
            f"{MAX_BYTES:_} bytes in all"
        )
    if tuple(map(sum, chunks)) != shape or any(length < 0 for lengths in chunks for length in lengths):
        raise _refused(
            f"the chunks do not fit the shape {list(shape)}: expected lists of lengths that add up to that, found sums "
            f"of {[sum(lengths) for lengths in chunks[:_SHOWN]]}"
        )
    if dims is not None and len(dims) != len(shape):
        raise _refused(f"{len(dims)} names in 'dims' do not fit {len(shape)} axes: name each of them, or none")


def _refused(message: str) -> Unprocessable:
    return Unprocessable(message, "body", "data_sources", "structure")
