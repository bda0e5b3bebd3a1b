"""What a ragged array looks like."""

from __future__ import annotations

from collections.abc import Sequence

import ragged

from tiled_awkward.ragged.structure import RaggedStructure
from tiledkernel.families.array.dtypes import from_numpy


def describe_ragged(
    array: ragged.array, dims: Sequence[str] | None = None, rows: Sequence[int] | None = None
) -> RaggedStructure:
    """The structure of an array, whose first axis is divided into chunks of so many rows; one chunk if None.

    ValueError if it has no axis, or another number of axes than of names.
    """
    shape = array.shape
    if not shape:
        raise ValueError(f"{array!r} has no axis along which it could be ragged: serve it as an array")
    if dims is not None and len(dims) != len(shape):
        raise ValueError(
            f"dims {tuple(dims)!r} do not fit a ragged array of shape {shape}: one name per axis is needed"
        )
    first = (shape[0] or 0,) if rows is None else tuple(rows)
    return RaggedStructure(
        data_type=from_numpy(array.dtype),
        shape=shape,
        size=int(array.size or 0),
        chunks=(first, *(None if length is None else (length,) for length in shape[1:])),
        dims=None if dims is None else tuple(map(str, dims)),
    )
