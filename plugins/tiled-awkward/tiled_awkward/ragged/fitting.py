"""Lists as one ragged array keeps them: with its axes, its element type, and nothing that is not used."""

from __future__ import annotations

from typing import Any

import awkward
import numpy as np
from awkward.contents import ListArray, ListOffsetArray, NumpyArray, RegularArray
from awkward.index import Index64
from numpy.typing import NDArray

from tiled_awkward.ragged.structure import RaggedStructure
from tiledkernel.errors import TooLarge, Unprocessable
from tiledkernel.families.array.dtypes import to_numpy

LARGEST = 1 << 30  # bytes that lists may have in memory
_OFFSET = 8  # bytes


def fitted(array: awkward.Array, structure: RaggedStructure) -> awkward.Array:
    """The same lists, whichever way they came: axes that vary as lists, others as arrays of fixed length.

    Unprocessable if they have other axes, or elements of a type that cannot become that of the array without loss.
    """
    layout = _fitted(array.layout, structure.shape[1:], to_numpy(structure.data_type), axis=0)
    return awkward.Array(layout)


def _fitted(layout: Any, lengths: tuple[int | None, ...], dtype: np.dtype[Any], axis: int) -> Any:
    layout = _plain(layout)
    if not lengths:
        return NumpyArray(_elements(layout, dtype, axis))
    offsets, content = _lists(layout, axis)
    inner = _fitted(content, lengths[1:], dtype, axis + 1)
    if (length := lengths[0]) is None:
        return ListOffsetArray(Index64(offsets), inner)
    if (np.diff(offsets) != length).any():
        raise Unprocessable(
            f"axis {axis + 1} of this array has the fixed length {length}, and some of the lists have another one",
            "body",
        )
    return RegularArray(inner, length, zeros_length=len(offsets) - 1)


def _plain(layout: Any) -> Any:
    """A layout without references into another; Unprocessable for what is no list of numbers."""
    while layout.is_indexed and not layout.is_option:
        layout = layout.project()
    if layout.is_numpy and len(layout.shape) > 1:
        layout = layout.to_RegularArray()
    if not (layout.is_numpy or layout.is_list or layout.is_unknown) or layout.parameter("__array__") is not None:
        raise Unprocessable(
            f"a ragged array holds lists of numbers, not elements of the type {awkward.type(layout)!s:.200}; records, "
            "texts and missing values are for awkward arrays",
            "body",
        )
    _check_size(len(layout))
    return layout


def _lists(layout: Any, axis: int) -> tuple[NDArray[np.int64], Any]:
    """Where each list begins and ends in the content, which begins with the first and ends with the last."""
    if layout.is_unknown:
        return np.zeros(1, np.int64), layout
    if not layout.is_list:
        raise Unprocessable(f"the lists are too shallow: they have {axis + 1} axes, and this array has more", "body")
    if isinstance(layout, ListArray):  # whose lists may overlap, and so be far more than what they are made of
        _check_size(int((layout.stops.data[: len(layout)] - layout.starts.data).sum()))
    lists = layout.to_ListOffsetArray64(True)  # noqa: FBT003 - the library has no name for it
    offsets: NDArray[np.int64] = np.asarray(lists.offsets.data)
    return offsets, lists.content[: offsets[-1]]


def _elements(layout: Any, dtype: np.dtype[Any], axis: int) -> NDArray[Any]:
    if layout.is_unknown:
        return np.empty(0, dtype)
    if not layout.is_numpy:
        raise Unprocessable(f"the lists are too deep: this array has {axis + 1} axes", "body")
    found: NDArray[Any] = np.asarray(layout.data)
    if not np.can_cast(found.dtype, dtype, "safe"):
        raise Unprocessable(
            f"elements of type {found.dtype} do not fit an array of type {dtype}: convert them before they are sent",
            "body",
        )
    return np.ascontiguousarray(found, dtype)


def _check_size(items: int) -> None:
    if items * _OFFSET > LARGEST:
        raise Unprocessable(f"the lists would take more than {LARGEST:_} bytes of memory: send fewer at a time", "body")


def blank(structure: RaggedStructure, rows: int) -> awkward.Array:
    """Rows that nobody has written: axes that vary are empty, others full of zeros; TooLarge if they are too many."""
    dtype = to_numpy(structure.data_type)
    counts = [rows]
    for length in structure.shape[1:]:
        counts.append(counts[-1] * (length or 0))
    if (nbytes := sum(counts[:-1]) * _OFFSET + counts[-1] * dtype.itemsize) > LARGEST:
        raise TooLarge(f"nothing was written yet of these rows, whose zeros would be {nbytes:_} bytes: ask for fewer")
    layout: Any = NumpyArray(np.zeros(counts[-1], dtype))
    for count, length in zip(counts[-2::-1], structure.shape[:0:-1], strict=True):
        if length is None:
            layout = ListOffsetArray(Index64(np.zeros(count + 1, np.int64)), layout)
        else:
            layout = RegularArray(layout, length, zeros_length=count)
    return awkward.Array(layout)


def size_of(array: awkward.Array) -> int:
    """The number of elements of lists that fit, and have nothing that is not used."""
    layout = array.layout
    while not layout.is_numpy:
        layout = layout.content
    return len(layout)
