"""Elements that a user gives to be stored: whatever numpy makes an array of, as the bytes that travel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiledkernel.blocks import Chunks, choose_chunk, regular_chunks
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.dtypes import from_numpy, to_numpy
from tiledkernel.families.array.structure import ArrayStructure

_ONE_CHUNK = 8 << 20  # bytes; what is larger is divided into chunks of about half of that
_ONE_REQUEST = 100_000_000  # bytes of a chunk that somebody else has chosen


def is_lazy(data: Any) -> bool:
    """Whether this is an array of dask, which is divided into chunks and not computed yet."""
    return hasattr(data, "__dask_graph__") and hasattr(data, "chunks") and hasattr(data, "dtype")


def as_elements(data: Any) -> NDArray[Any]:
    """Numbers, texts, dates or records as an array; ValueError says why something is none that can be stored."""
    if isinstance(data, np.ma.MaskedArray):
        raise ValueError(  # noqa: TRY004 - what is wrong is in it
            "an array with a mask cannot be stored as it is, as the mask would be lost: fill it, `array.filled(0)`, "
            "and perhaps store `numpy.ma.getmaskarray(array)` as another array"
        )
    try:
        array = np.asarray(data)
    except ValueError as error:  # lists of different lengths
        raise ValueError(f"this makes no array: {error} Rows of different lengths are for write_ragged") from error
    if array.dtype.kind == "T":
        array = array.astype(object).astype(np.str_)
    check_elements(array.dtype, data)
    return array


def check_elements(dtype: np.dtype[Any], data: Any) -> None:
    """ValueError unless elements of a type can be stored."""
    if dtype.hasobject or dtype.itemsize == 0:
        raise ValueError(
            f"elements of type {dtype} cannot be stored, of {data!r:.80}: expected numbers, dates, texts or records, "
            "all of the same size; convert them, as in `array.astype(float)`, or store a table"
        )


def describe_elements(data: Any, dims: Sequence[str] | None) -> ArrayStructure:
    """What an array looks like that is to be stored: that of dask keeps its chunks, others get some of a few MiB.

    Each chunk is sent in a request of its own, so that those of dask are divided if they are too large for that.
    """
    if isinstance(dims, str):
        raise TypeError(f"dims are a list of names, one for each axis: expected [{dims!r}]")
    if is_lazy(data):
        check_elements(data.dtype, data)
        if any(length != length for lengths in data.chunks for length in lengths):  # noqa: PLR0124 - NaN
            raise ValueError(
                "the lengths of the chunks of this array are not known before it is computed: call "
                "`array.compute_chunk_sizes()` first"
            )
        return describe_array(data.shape, data.dtype, small_chunks(data.chunks, data.dtype.itemsize), dims)
    chunk = data.shape if data.nbytes <= _ONE_CHUNK else choose_chunk(data.shape, data.itemsize)
    return describe_array(data.shape, data.dtype, chunk, dims)


def small_chunks(chunks: Chunks, itemsize: int, limit: int = _ONE_REQUEST) -> Chunks:
    """The same chunks; if one of them has more than `limit` bytes, they are divided so that none has."""
    lengths = tuple(max(axis, default=0) for axis in chunks)
    if math.prod(lengths) * itemsize <= limit:
        return chunks
    steps = map(_even, lengths, choose_chunk(lengths, itemsize, limit))
    return tuple(
        tuple(piece for length in axis for piece in regular_chunks((length,), (step,))[0])
        for axis, step in zip(chunks, steps, strict=True)
    )


def _even(length: int, most: int) -> int:
    """The largest step of at most `most` that divides a length evenly, if it is not much smaller."""
    return next((step for step in range(most, most // 2, -1) if length % step == 0), most)


def fitting(data: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Elements for an array that has this type; ValueError if they are of another.

    Lists and Python's own numbers become what the array holds, if that loses nothing of their kind.
    """
    array = as_elements(data)
    if array.dtype == dtype:
        return array
    alike = to_numpy(from_numpy(array.dtype)).newbyteorder("=") == dtype.newbyteorder("=")  # but for order and padding
    if alike or (not hasattr(data, "dtype") and _is_kin(array, dtype)):
        return array.astype(dtype)
    raise ValueError(
        f"data of type {array.dtype} do not fit an array of type {dtype}: convert them first, "
        f"`data.astype({str(dtype)!r})`"
    )


def _is_kin(array: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    """Whether untyped elements keep their values: numbers of a type for such, texts of one that is wide enough."""
    if not array.size:
        return True
    if dtype.kind in "US":
        return array.dtype.kind == dtype.kind and array.itemsize <= dtype.itemsize
    if array.dtype.kind in "iu" and dtype.kind in "iu":
        return bool(np.iinfo(dtype).min <= array.min() and array.max() <= np.iinfo(dtype).max)
    return bool(np.can_cast(array.dtype, dtype, "same_kind"))


def packed(array: NDArray[Any], structure: ArrayStructure) -> memoryview:
    """The elements as they travel: in C order, records without padding. They are copied only if they must be."""
    elements = np.ascontiguousarray(array, to_numpy(structure.data_type))
    return elements.reshape(-1).view(np.uint8).data
