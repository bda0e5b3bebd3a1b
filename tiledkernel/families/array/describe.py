"""Describe an array for the wire from what every array library knows: shape, element type, chunks."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from tiledkernel.blocks import Chunks, choose_chunk, regular_chunks
from tiledkernel.families.array.dtypes import from_numpy
from tiledkernel.families.array.structure import ArrayStructure


def describe_array(
    shape: Sequence[int],
    dtype: np.dtype,
    chunks: Sequence[int] | Chunks | None = None,
    dims: Sequence[str] | None = None,
) -> ArrayStructure:
    """The structure of an array of `shape` and `dtype`.

    `chunks` is a regular chunk shape, or the chunk lengths along each axis; None divides the array into blocks of
    a few MiB. ValueError if chunks or dims do not fit the shape, TypeError if the element type has no fixed size.
    """
    shape = tuple(int(length) for length in shape)
    data_type = from_numpy(dtype)
    if chunks is None:
        chunks = choose_chunk(shape, data_type.itemsize)
    if len(chunks) != len(shape):
        raise ValueError(f"chunks {chunks!r} do not fit an array of shape {shape}: one entry per dimension is needed")
    lengths = tuple(_lengths(chunk, length) for length, chunk in zip(shape, chunks, strict=True))
    for axis, (length, parts) in enumerate(zip(shape, lengths, strict=True)):
        if sum(parts) != length:
            raise ValueError(f"chunks {parts} of axis {axis} do not add up to its length {length}")
    if dims is not None and len(dims) != len(shape):
        raise ValueError(f"dims {tuple(dims)!r} do not fit an array of shape {shape}: one name per dimension is needed")
    return ArrayStructure(
        data_type=data_type, chunks=lengths, shape=shape, dims=None if dims is None else tuple(map(str, dims))
    )


def _lengths(chunk: object, length: int) -> tuple[int, ...]:
    """The chunk lengths along one axis, from themselves or from that of a regular chunk."""
    if isinstance(chunk, Sequence):
        return tuple(map(int, chunk))
    return regular_chunks((length,), (operator.index(chunk),))[0]  # type: ignore[arg-type] # a TypeError is the answer
