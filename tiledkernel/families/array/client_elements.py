"""Elements that a user gives to be stored: whatever numpy makes an array of, as the bytes that travel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiledkernel.blocks import choose_chunk
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.dtypes import from_numpy, to_numpy
from tiledkernel.families.array.structure import ArrayStructure

_ONE_CHUNK = 8 << 20  # bytes; what is larger is divided into chunks of about half of that


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
    array = np.asarray(data)
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
    """What an array looks like that is to be stored: that of dask keeps its chunks, others get some of a few MiB."""
    if isinstance(dims, str):
        raise TypeError(f"dims are a list of names, one for each axis: expected [{dims!r}]")
    if is_lazy(data):
        check_elements(data.dtype, data)
        if any(length != length for lengths in data.chunks for length in lengths):  # noqa: PLR0124 - NaN
            raise ValueError(
                "the lengths of the chunks of this array are not known before it is computed: call "
                "`array.compute_chunk_sizes()` first"
            )
        return describe_array(data.shape, data.dtype, data.chunks, dims)
    chunk = data.shape if data.nbytes <= _ONE_CHUNK else choose_chunk(data.shape, data.itemsize)
    return describe_array(data.shape, data.dtype, chunk, dims)


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
