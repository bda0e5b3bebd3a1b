"""Elements without a fixed size, served as ones with a fixed size.

Variable-length strings become bytes ('S'), as wide as the longest one; object and region references become the paths
of their targets; both also inside records. Ragged elements cannot be served as an array.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from tiled_hdf5.attributes import reference_target
from tiledkernel.errors import Unavailable

Field: TypeAlias = tuple[str, ...]  # the way to a leaf of a record; () if the elements are no records


def object_fields(dtype: np.dtype[Any], field: Field = ()) -> Iterator[Field]:
    """The leaves that have no fixed size; Unavailable if one of them can have none."""
    if dtype.subdtype is not None:
        yield from object_fields(dtype.subdtype[0], field)
    elif dtype.names is not None:
        for name in dtype.names:
            yield from object_fields(_member(dtype, name), (*field, name))
    elif dtype.hasobject:
        if h5py.check_string_dtype(dtype) is None and h5py.check_ref_dtype(dtype) is None:
            inner = h5py.check_vlen_dtype(dtype)
            where = f"field {'/'.join(field)!r} holds" if field else "the elements are"
            raise Unavailable(
                f"{where} lists of different lengths ({inner or dtype}), which an array cannot hold: "
                "read the dataset from the file itself, or store it padded, or flat beside an array of offsets"
            )
        yield field


def fixed_dtype(dtype: np.dtype[Any], widths: dict[Field, int], field: Field = ()) -> np.dtype[Any]:
    """`dtype` with each leaf named in `widths` as bytes of that width, records packed and h5py's notes dropped."""
    if dtype.subdtype is not None:
        return np.dtype((fixed_dtype(dtype.subdtype[0], widths, field), dtype.shape))
    if dtype.names is not None:
        return np.dtype([(name, fixed_dtype(_member(dtype, name), widths, (*field, name))) for name in dtype.names])
    return np.dtype(f"S{max(1, widths[field])}") if field in widths else np.dtype(dtype.str)


def to_bytes(array: NDArray[Any], field: Field, file: h5py.h5f.FileID) -> list[bytes]:
    """The elements of one leaf, flat, as bytes."""
    for name in field:
        array = array[name]
    return [_as_bytes(element, file) for element in np.asarray(array, object).flat]


def to_fixed(
    array: NDArray[Any], dtype: np.dtype[Any], fields: tuple[Field, ...], file: h5py.h5f.FileID
) -> NDArray[Any]:
    """A copy of what h5py read, with the element type that was declared; Unavailable rather than cutting a text."""
    fixed = np.empty(array.shape, dtype)
    if () not in fields:
        _copy_records(array, fixed, ())
    for field in fields:
        target = fixed
        for name in field:
            target = target[name]
        texts = to_bytes(array, field, file)
        longest = max(map(len, texts), default=0)
        if longest > target.dtype.itemsize:
            raise Unavailable(
                f"a text of {longest} bytes does not fit the declared {target.dtype.itemsize}: the dataset is too "
                "long to be measured whole, or it has grown; read it in the file itself"
            )
        target[...] = np.array(texts, target.dtype).reshape(target.shape)
    return fixed


def _copy_records(source: NDArray[Any], target: NDArray[Any], field: Field) -> None:
    for name in source.dtype.names or ():
        if source[name].dtype.names is not None:
            _copy_records(source[name], target[name], (*field, name))
        elif not source[name].dtype.hasobject:
            target[name] = source[name]


def _member(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    assert dtype.fields is not None
    return dtype.fields[name][0]


def _as_bytes(element: Any, file: h5py.h5f.FileID) -> bytes:
    if isinstance(element, bytes):
        return element
    if isinstance(element, str):
        return element.encode("utf-8", "surrogateescape")
    if isinstance(element, h5py.Reference | h5py.RegionReference):
        return reference_target(element, file) or b""
    return b""  # a string that was never written
