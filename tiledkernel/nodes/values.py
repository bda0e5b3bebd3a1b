"""Values in metadata, as every backend compares them.

A value is what its JSON says: numpy scalars are numbers, datetimes ISO texts, bytes data URIs, NaN and infinities
null. There are six types (null, boolean, number, string, list, object), and values of two types are never equal:
0 is neither "0" nor false. Numbers compare by what they amount to, so 1 equals 1.0; objects regardless of the order
of their keys.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Hashable, Mapping
from typing import Any, Final, Literal, TypeAlias

from tiledkernel import wire


class _Missing(enum.Enum):
    MISSING = enum.auto()


MISSING: Final = _Missing.MISSING
Missing: TypeAlias = Literal[_Missing.MISSING]

_TEXT_OR_LOGIC = (str, bool, type(None))


def look_up(metadata: Mapping[str, Any], key: str) -> Any:
    """The JSON value at a dotted key, or MISSING; dots descend into objects, never into lists."""
    found: Any = metadata
    for part in key.split("."):
        found = _step(found, part)
        if found is MISSING:
            return MISSING
    return json_value(found)


def _step(value: Any, part: str) -> Any:
    if not isinstance(value, Mapping):
        return MISSING
    found = value.get(part, MISSING)
    if found is MISSING:  # on the wire every key is text: 1 is found under "1"
        return next((item for name, item in value.items() if type(name) is not str and str(name) == part), MISSING)
    return found


def json_value(value: Any) -> Any:
    """What `value` is in JSON."""
    kind = type(value)
    if kind in _TEXT_OR_LOGIC or kind is int:
        return value
    if kind is float:
        return value if math.isfinite(value) else None
    return wire.decode_json(wire.encode_json(wire.plain(value)))


def frozen(value: Any) -> Hashable:
    """A hashable stand-in for a JSON value; two are equal exactly if the values are."""
    if isinstance(value, list):
        return "list", tuple(map(frozen, value))
    if isinstance(value, dict):
        return "object", frozenset((key, frozen(item)) for key, item in value.items())
    return isinstance(value, bool), value


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def order(value: Any) -> tuple[int, Any]:
    """A sort key that gives all JSON values but null one order.

    Booleans come before numbers, then strings (by code point), lists and objects (both by their JSON text).
    """
    if isinstance(value, bool):
        return 0, value
    if is_number(value):
        return 1, value
    if isinstance(value, str):
        return 2, value
    return (3 if isinstance(value, list) else 4), wire.encode_json(value)
