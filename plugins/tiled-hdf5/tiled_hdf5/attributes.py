"""HDF5 attributes as metadata: every value as plain Python."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from h5py import h5i, h5o, h5r

from tiled_hdf5.links import printable

MAX_VALUE = 1 << 20  # bytes of one attribute; a longer one is described instead


def read_attributes(opened: Any) -> dict[str, Any]:
    """All attributes of an open group, dataset or named type; one that cannot be read says why in its place."""
    if not h5o.get_info(opened).num_attrs:
        return {}
    attributes = h5py.AttributeManager(_Holder(opened))
    file = h5i.get_file_id(opened)
    return {printable(_raw(name)): _read(attributes, name, file) for name in attributes}


class _Holder:
    """What h5py's AttributeManager asks of an object, without the cost of making a Group or Dataset."""

    def __init__(self, opened: Any) -> None:
        self._id = self.id = opened


def _read(attributes: h5py.AttributeManager, name: str | bytes, file: h5py.h5f.FileID) -> Any:
    try:
        stored = attributes.get_id(name)
        size = stored.get_space().get_simple_extent_npoints() * stored.get_type().get_size()
        if size > MAX_VALUE:
            return f"not shown: {size:_} bytes, of shape {stored.shape}"
        return plain_value(attributes[name], file)
    except (OSError, RuntimeError, TypeError, ValueError, KeyError) as error:  # a type that h5py does not know
        return f"unreadable: {error}"


def plain_value(value: Any, file: h5py.h5f.FileID) -> Any:
    """Numbers, texts, lists and dicts for anything that h5py reads; references become the paths of their targets."""
    if isinstance(value, np.ndarray):
        return _plain_array(value, file)
    if isinstance(value, bytes | str):
        return _text(value)
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, h5py.Reference | h5py.RegionReference):
        name = reference_target(value, file)
        return None if name is None else _text(name)
    return _plain_scalar(value, file) if isinstance(value, np.generic) else value


def _plain_scalar(value: np.generic, file: h5py.h5f.FileID) -> Any:
    if isinstance(value, np.void):
        if value.dtype.names is None:
            return value.tobytes()
        return {name: plain_value(value[name], file) for name in value.dtype.names}
    if isinstance(value, np.longdouble):  # its item() is no Python number
        return float(value)
    if isinstance(value, np.clongdouble):
        return complex(value)
    return str(value) if isinstance(value, np.datetime64 | np.timedelta64) else value.item()


def _plain_array(array: np.ndarray, file: h5py.h5f.FileID) -> Any:
    if array.dtype.kind in "biufc" and array.dtype.itemsize <= 16 and array.dtype.char not in "gG":
        return array.tolist()
    if array.ndim == 0:
        return plain_value(array[()], file)
    return [plain_value(item, file) for item in array]


def reference_target(reference: h5py.Reference, file: h5py.h5f.FileID) -> bytes | None:
    """The path that an object or region reference points at; None if it points nowhere."""
    if not reference:
        return None
    try:
        name = h5r.get_name(reference, file)
    except (OSError, RuntimeError, ValueError, KeyError):  # dangling
        return None
    return name if name is None or isinstance(name, bytes) else str(name).encode()


def _text(value: str | bytes) -> str | bytes:
    """Text where it is UTF-8, else the bytes as they are."""
    raw = _raw(value)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _raw(value: str | bytes) -> bytes:
    """The bytes in the file; h5py keeps odd bytes of a str as surrogates."""
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
