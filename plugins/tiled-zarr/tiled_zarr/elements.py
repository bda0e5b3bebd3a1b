"""Element types and fill values, as the metadata of both versions write them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

Order: TypeAlias = Literal["<", ">"]
TEXT = np.dtype(object)  # texts of variable length; only their width makes a type of them that can be served
MAX_ITEMSIZE = 1 << 24

_V2 = re.compile(r"[<>|=]?(?:[biufcSUVO]\d{0,9}|[mM]8(?:\[\d{0,9}[a-zA-Zμ]{1,7}\])?)")
_NUMBERS = {
    "bool": "?", "float16": "f2", "float32": "f4", "float64": "f8", "complex64": "c8", "complex128": "c16",
} | {f"{sign}int{bits}": f"{sign[:1] or 'i'}{bits // 8}" for sign in ("", "u") for bits in (8, 16, 32, 64)}  # fmt: skip
_TEXTS = ("string", "variable_length_bytes", "bytes")
_BITS = re.compile(r"r(\d{1,9})")


def dtype_of_v2(described: Any) -> np.dtype[Any]:
    """The numpy type behind `dtype` of a `.zarray`: a type string, or a list of fields; ValueError if it is none."""
    if isinstance(described, str):
        if not _V2.fullmatch(described):
            raise ValueError(f"{described!r} is no element type")
        return _checked(np.dtype(described))
    fields = []
    for field in described:
        name, inner, *shape = field
        fields.append((str(name), dtype_of_v2(inner), *(tuple(map(int, axes)) for axes in shape)))
    return _checked(np.dtype(fields))


def dtype_of_v3(described: Any, order: Order = "<") -> np.dtype[Any]:
    """The numpy type behind `data_type` of a `zarr.json`, its bytes in this order; ValueError if there is none."""
    name, configuration = named(described)
    if name in _NUMBERS:
        return np.dtype(_NUMBERS[name]).newbyteorder(order)
    if name in _TEXTS:
        return TEXT
    if bits := _BITS.fullmatch(name):
        return _checked(np.dtype(f"V{int(bits[1]) // 8}"))
    if name in ("struct", "structured"):
        return _checked(np.dtype([_field(field, order) for field in configuration["fields"]]))
    if name in ("numpy.datetime64", "numpy.timedelta64"):
        unit, count = configuration["unit"], int(configuration.get("scale_factor", 1))
        letter = "M" if name == "numpy.datetime64" else "m"
        return np.dtype(f"{letter}8" if unit == "generic" else f"{letter}8[{count}{unit}]").newbyteorder(order)
    lengths = {"fixed_length_utf32": ("U", 4), "null_terminated_bytes": ("S", 1), "raw_bytes": ("V", 1)}
    if name not in lengths:
        raise ValueError(f"{name!r} is no element type that can be read here")
    letter, width = lengths[name]
    return _checked(np.dtype(f"{letter}{int(configuration['length_bytes']) // width}").newbyteorder(order))


def named(described: Any) -> tuple[str, Mapping[str, Any]]:
    """Name and configuration of an extension point: a text, or an object with `name`."""
    if isinstance(described, str):
        return described, {}
    return str(described["name"]), described.get("configuration") or {}


def _field(field: Any, order: Order) -> tuple[str, np.dtype[Any]]:
    if isinstance(field, Mapping):
        return str(field["name"]), dtype_of_v3(field["data_type"], order)
    return str(field[0]), dtype_of_v3(field[1], order)


def _checked(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.hasobject and dtype != TEXT:
        raise ValueError("records that hold objects have no type that could be served")
    if not 1 <= dtype.itemsize <= MAX_ITEMSIZE:
        raise ValueError(f"elements of {dtype.itemsize:_} bytes cannot be meant")
    return dtype


def fill_value(described: Any, dtype: np.dtype[Any]) -> Any:
    """What an element is that nobody wrote: an array without dimensions, or for texts an object."""
    if dtype == TEXT:
        return described if isinstance(described, str) else ""
    filled = np.zeros((), dtype)
    if described is not None:
        _fill(filled, described)
    return filled


def _fill(place: np.ndarray[Any, Any], described: Any) -> None:
    dtype = place.dtype
    if dtype.names is not None and not isinstance(described, str):
        if described == 0:
            return
        values = described if isinstance(described, Mapping) else dict(zip(dtype.names, described, strict=True))
        for name, value in values.items():
            _fill(place[name], value)
    elif dtype.names is not None or dtype.kind in "SV":
        if described == 0:
            return
        raw = base64.b64decode(described) if isinstance(described, str) else bytes(described)
        if len(raw) > dtype.itemsize:
            raise ValueError(f"a fill value of {len(raw)} bytes is no element of {dtype.itemsize}")
        place[...] = np.frombuffer(raw.ljust(dtype.itemsize, b"\0"), dtype)[0]
    elif dtype.kind in "mM":
        place[...] = described if isinstance(described, str) else np.int64(described).view(dtype.newbyteorder("="))
    elif dtype.kind == "c":
        place[...] = complex(*map(_number, described)) if isinstance(described, list) else _number(described)
    elif dtype.kind == "f" and isinstance(described, str) and described.startswith("0x"):
        place[...] = np.frombuffer(bytes.fromhex(described[2:]), dtype.newbyteorder(">"))[0]
    else:
        place[...] = _number(described) if dtype.kind == "f" else described


def _number(described: Any) -> Any:
    return float(described) if isinstance(described, str) else described  # 'NaN', 'Infinity', '-Infinity'
