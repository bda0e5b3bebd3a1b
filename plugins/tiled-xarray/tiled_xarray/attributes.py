"""Attributes as NetCDF has them: numbers, texts, and lists of one of these; anything else is JSON text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tiledkernel.wire import decode_json, encode_json, plain

# What the format itself keeps under these names, and what would change how the stored numbers are read.
RESERVED = frozenset(
    {
        "CLASS",
        "DIMENSION_LABELS",
        "DIMENSION_LIST",
        "NAME",
        "REFERENCE_LIST",
        "_FillValue",
        "_NCProperties",
        "_Netcdf4Coordinates",
        "_Netcdf4Dimid",
        "_nc3_strict",
        "coordinates",
    }
)
_PLAIN = (bool, int, float, complex, str, list, tuple, Mapping, type(None))


def writable(attributes: Any) -> dict[str, Any]:
    """The attributes of a dataset or a variable, without those that the format keeps for itself."""
    if not isinstance(attributes, Mapping):
        return {}
    return {_clean(str(name)): _value(value) for name, value in attributes.items() if name and name not in RESERVED}


def _value(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "iufc":
        return value
    value = plain(value)
    if not isinstance(value, _PLAIN):  # a date, or bytes, which have a text
        value = decode_json(encode_json(value))
    if isinstance(value, bool):
        return np.int8(value)
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, (list, tuple)):
        return _sequence(value)
    fits = isinstance(value, float | complex) or (isinstance(value, int) and -(1 << 63) <= value < 1 << 64)
    return value if fits else _as_json(value)


def _sequence(values: list[Any] | tuple[Any, ...]) -> Any:
    if values and all(isinstance(value, str) for value in values):
        return [_clean(value) for value in values]
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):  # lists of several lengths, integers of more than 64 bits
        return _as_json(values)
    return array if array.dtype.kind in "iufc" and array.ndim == 1 and array.size else _as_json(values)


def _clean(text: str) -> str:
    """A text that is UTF-8 and holds no NUL, at which it would end."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")


def _as_json(value: Any) -> str:
    return encode_json(value).decode()
