"""The texts in which the fields of queries travel: how each is written, and read back with reasons."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from tiledkernel import wire


class Codec(Struct, frozen=True):
    """How a field becomes text and is read back; `parse` raises ValueError with what was expected."""

    format: Callable[[Any], str]
    parse: Callable[[str], Any]


def _format_json(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"cannot search for {value!r}: JSON, in which metadata is searched, has no such number")
    return wire.encode_json(value).decode()


def _parse_json(text: str) -> Any:
    try:
        return wire.decode_json(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ValueError("expected JSON: write a string in double quotes, such as '\"red\"'") from error


def _parse_list(text: str) -> list[Any]:
    value = _parse_json(text)
    if not isinstance(value, list):
        raise ValueError("expected a JSON list, such as '[1, 2]'")  # noqa: TRY004 - callers catch ValueError
    return value


def _parse_texts(text: str) -> list[str]:
    values = _parse_list(text)
    if not all(isinstance(value, str) for value in values):
        raise ValueError('expected a JSON list of strings, such as \'["a", "b"]\'')
    return values


def _parse_json_text(text: str) -> str:
    value = _parse_json(text)
    if not isinstance(value, str):
        raise ValueError("expected a JSON string in double quotes")  # noqa: TRY004 - callers catch ValueError
    return value


def _parse_flag(text: str) -> bool:
    lowered = text.lower()
    if lowered in ("true", "1", "yes", "on"):
        return True
    if lowered in ("false", "0", "no", "off"):
        return False
    raise ValueError("expected 'true' or 'false'")


def _format_flag(value: object) -> str:
    return "true" if value else "false"


TEXT = Codec(str, str)
VALUE = Codec(_format_json, _parse_json)
LIST = Codec(_format_json, _parse_list)
TEXTS = Codec(_format_json, _parse_texts)
JSON_TEXT = Codec(_format_json, _parse_json_text)
FLAG = Codec(_format_flag, _parse_flag)
