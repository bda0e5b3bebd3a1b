"""Elements as HDF5 has them: what of numpy it lacks is stored as something that it has.

Texts become UTF-8 of fixed width. Dates and durations become integers, as the conventions for climate data (CF) have
them: the attribute `units` says what they count. Everything else keeps its type, to the byte order.
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from tiledkernel.errors import NotAcceptable

MAX_DIMENSIONS = 32
_UNITS = {
    "D": "days",
    "h": "hours",
    "m": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}


def check_shape(shape: tuple[int, ...]) -> None:
    """NotAcceptable for a shape with more dimensions than HDF5 knows."""
    if len(shape) > MAX_DIMENSIONS:
        raise NotAcceptable(f"HDF5 takes {MAX_DIMENSIONS} dimensions, this array has {len(shape)}: choose a slice")


def stored_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type of a dataset for elements of this type."""
    if dtype.fields is not None:
        return np.dtype([(name, stored_type(dtype.fields[name][0])) for name in dtype.names or ()])
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return np.dtype((stored_type(base), shape))
    if dtype.kind == "U":
        text: np.dtype[Any] = h5py.string_dtype("utf-8", max(1, dtype.itemsize))  # 4 bytes per character suffice
        return text
    if dtype.kind in "mM":
        return np.dtype(np.int64).newbyteorder(dtype.byteorder)
    return dtype if dtype.itemsize else np.dtype(f"{dtype.kind}1")


def stored(array: NDArray[Any]) -> NDArray[Any]:
    """The elements as they are stored in a dataset of the type for them."""
    dtype = array.dtype
    if dtype.fields is not None:
        records = np.empty(array.shape, stored_type(dtype))
        for name in dtype.names or ():
            records[name] = stored(array[name])
        return records
    if dtype.kind == "U":
        return np.char.encode(array, "utf-8", "replace").astype(stored_type(dtype))
    if dtype.kind in "mM":
        return np.ascontiguousarray(array).view(stored_type(dtype)).reshape(array.shape)
    return array if dtype.itemsize else array.astype(stored_type(dtype))


def remarks(dtype: np.dtype[Any]) -> dict[str, str]:
    """Attributes that say what the stored integers of dates and durations stand for."""
    if not _has_times(dtype):
        return {}
    told = {"numpy_dtype": str(dtype)}
    unit, count = np.datetime_data(dtype) if dtype.kind in "mM" else ("", 1)
    if unit in _UNITS and count == 1:
        told["units"] = _UNITS[unit] if dtype.kind == "m" else f"{_UNITS[unit]} since 1970-01-01"
    return told


def _has_times(dtype: np.dtype[Any]) -> bool:
    if dtype.fields is not None:
        return any(_has_times(field) for field, *_ in dtype.fields.values())
    return dtype.base.kind in "mM"
