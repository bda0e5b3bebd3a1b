"""Element types: numpy's and the wire's."""

from __future__ import annotations

import sys
from functools import lru_cache

import numpy as np
from msgspec import UNSET

from tiledkernel.families.array.structure import DataType, Field

_ORDERS = {"<": "little", ">": "big", "|": "not_applicable", "=": sys.byteorder}
_LETTERS = {"little": "<", "big": ">", "not_applicable": "|"}
KINDS = "biufcmMSUV"


@lru_cache(maxsize=512)
def from_numpy(dtype: np.dtype) -> DataType:
    """Describe a numpy type for the wire; TypeError for types that have no fixed size, such as object.

    Records are described as packed: padding is never sent.
    """
    if dtype.fields is not None:
        names = dtype.names or ()
        fields = tuple(_field(name, dtype.fields[name][0]) for name in names)
        size = sum(field.dtype.itemsize * int(np.prod(field.shape or (1,))) for field in fields)
        return DataType(itemsize=size, fields=fields)
    if dtype.subdtype is not None:
        raise TypeError(f"{dtype!r} is a sub-array type: it can only be a field of a record")
    if dtype.kind not in KINDS:
        raise TypeError(
            f"{dtype!r} has no fixed size per element: convert to a number, a string of fixed width, or a record"
        )
    units = None
    if dtype.kind in "mM":
        unit, count = np.datetime_data(dtype)
        units = "" if unit == "generic" else f"[{count if count != 1 else ''}{unit}]"
    order = "not_applicable" if dtype.kind in "SV" else _ORDERS[dtype.byteorder]
    return DataType(endianness=order, kind=dtype.kind, itemsize=dtype.itemsize, dt_units=units)


def _field(name: str, dtype: np.dtype) -> Field:
    base, shape = dtype.subdtype if dtype.subdtype is not None else (dtype, None)
    return Field(name=name, dtype=from_numpy(base), shape=shape)


@lru_cache(maxsize=512)
def to_numpy(data_type: DataType) -> np.dtype:
    """The numpy type that the wire describes; ValueError if it describes none."""
    try:
        return _to_numpy(data_type)
    except (TypeError, LookupError, OverflowError, RecursionError, MemoryError, SyntaxError) as error:
        raise ValueError(f"{_shown(data_type)} is not an element type: {error}") from None


def _to_numpy(data_type: DataType) -> np.dtype:
    if data_type.fields is not UNSET:
        return np.dtype([_numpy_field(field) for field in data_type.fields])
    kind, order = data_type.kind, data_type.endianness
    if kind is UNSET or order is UNSET or kind not in KINDS or order not in _LETTERS:
        raise ValueError(
            f"{_shown(data_type)} is not an element type that can be read: expected 'kind' to be one of "
            f"{', '.join(KINDS)} and 'endianness' one of {', '.join(_LETTERS)}; or 'fields'"
        )
    count = data_type.itemsize // 4 if kind == "U" else data_type.itemsize
    units = "" if data_type.dt_units in (None, UNSET) else data_type.dt_units
    found = np.dtype(f"{_LETTERS[order]}{kind}{count}{units}")
    if (found.kind, found.itemsize) != (kind, data_type.itemsize):
        raise ValueError(f"{_shown(data_type)} is not an element type: no such element has {data_type.itemsize} bytes")
    if kind in "mM" and np.datetime_data(found)[1] < 1:  # numpy divides by it
        raise ValueError(f"{_shown(data_type)} is not an element type: its unit has no length")
    return found


def _shown(data_type: DataType) -> str:
    return f"{data_type!r:.200}"


def _numpy_field(field: Field) -> tuple[str, np.dtype] | tuple[str, np.dtype, tuple[int, ...]]:
    if field.shape is None:
        return field.name, to_numpy(field.dtype)
    return field.name, to_numpy(field.dtype), field.shape
