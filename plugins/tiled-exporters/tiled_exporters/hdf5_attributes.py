"""Names and metadata as HDF5 has them.

Numbers, texts, and lists of one of these are attributes of their own types, missing values are empty attributes. What
HDF5 has no attribute for, such as a mapping within the metadata, is JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from tiled_exporters.hdf5_elements import MAX_DIMENSIONS
from tiledkernel.wire import decode_json, encode_json, plain

_NUMBERS = (bool, int, float, complex)
_PLAIN = (*_NUMBERS, str, list, tuple, Mapping, type(None))


def link_name(key: str) -> str:
    """A name under which HDF5 can find something: '/', '.' and NUL have a meaning there and are written as '%2F' ..."""
    name = key.encode("utf-8", "replace").decode().replace("/", "%2F").replace("\0", "%00")
    return {"": "%", ".": "%2E", "..": "%2E%2E"}.get(name, name)


def write_attributes(target: h5py.HLObject, metadata: Mapping[str, Any]) -> None:
    """Each entry as an attribute of a group or dataset."""
    for key, value in metadata.items():
        target.attrs[str(key).encode("utf-8", "replace").decode().replace("\0", "%00") or "%"] = _attribute(value)


def _attribute(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc":
        return value
    value = plain(value)
    if not isinstance(value, _PLAIN):  # a date, or bytes, which have a text
        value = decode_json(encode_json(value))
    if value is None:
        return h5py.Empty("f4")
    if isinstance(value, str):
        return value if _is_text(value) else as_json(value)
    if isinstance(value, (list, tuple)):
        return _sequence(value)
    return value if isinstance(value, _NUMBERS) and _fits(value) else as_json(value)


def _sequence(values: list[Any] | tuple[Any, ...]) -> Any:
    if values and all(isinstance(value, str) and _is_text(value) for value in values):
        return np.array(values, h5py.string_dtype())
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):  # lists of several lengths, integers of more than 64 bits
        return as_json(values)
    return array if array.dtype.kind in "biufc" and array.ndim <= MAX_DIMENSIONS else as_json(values)


def _is_text(value: str) -> bool:
    """Whether HDF5 can hold a text: it is UTF-8, and ends at a NUL."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _fits(number: complex) -> bool:
    return not isinstance(number, int) or -(1 << 63) <= number < 1 << 64


def as_json(value: Any) -> str:
    """A text that says everything."""
    return encode_json(value).decode()
