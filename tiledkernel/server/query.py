"""Query strings: parsed once, checked against the Struct that a route declares."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import unquote_plus

import msgspec
from msgspec import Struct

from tiledkernel.errors import Unprocessable

MAX_PARAMETERS = 2000
ALWAYS = frozenset({"api_key", "csrf"})  # credentials may come with any request
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def parse_query(text: str) -> dict[str, list[str]]:
    """Names and values of a query string, in order; Unprocessable for NUL bytes or too many parameters."""
    values: dict[str, list[str]] = {}
    if not text:
        return values
    if text.count("&") >= MAX_PARAMETERS:
        raise Unprocessable(f"too many query parameters: at most {MAX_PARAMETERS} are taken", "query")
    coded = "%" in text or "+" in text
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if coded:
            name, value = unquote_plus(name), unquote_plus(value)
        if "\x00" in name or "\x00" in value:
            raise Unprocessable(f"query parameter {name!r} holds a NUL byte, which nothing here can contain", "query", name)
        if name:
            values.setdefault(name, []).append(value)
    return values


class QueryDecoder:
    """Turns a query string into a Struct: texts become numbers and booleans, lists collect repeated parameters.

    Unknown names are refused with the nearest known one; those for which `passes` is true are left to the handler.
    """

    def __init__(self, struct: type[Struct] | None, prefixes: tuple[str, ...] = ()) -> None:
        self._struct = struct
        self._prefixes = prefixes
        fields = msgspec.structs.fields(struct) if struct else ()
        hints = get_type_hints(struct) if struct else {}
        self._names = {field.encode_name: field.name for field in fields}
        self._lists = {field.encode_name for field in fields if get_origin(_bare(hints[field.name])) in (list, tuple)}
        self._booleans = {field.encode_name for field in fields if _bare(hints[field.name]) is bool}
        self._empty = struct() if struct and all(not field.required for field in fields) else None

    def decode(self, values: Mapping[str, list[str]]) -> Any:
        """The Struct; Unprocessable names the parameter, what was expected and the value."""
        if self._struct is None:
            self._refuse_unknown(values)
            return None
        if not values and self._empty is not None:
            return self._empty
        single: dict[str, Any] = {}
        for name, given in values.items():
            if name in self._lists:
                single[name] = given
            elif name in self._booleans:
                single[name] = _boolean(name, given[-1])
            elif name in self._names:
                single[name] = given[-1]
        if len(single) != len(values):
            self._refuse_unknown(values)
        try:
            return msgspec.convert(single, self._struct, strict=False)
        except msgspec.ValidationError as error:
            raise self._explain(error, single) from None

    def _refuse_unknown(self, values: Mapping[str, list[str]]) -> None:
        for name in values:
            if name not in self._names and name not in ALWAYS and not name.startswith(self._prefixes or ("\x00",)):
                near = difflib.get_close_matches(name, self._names, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(self._names) or 'none'}"
                raise Unprocessable(f"unknown query parameter {name[:80]!r}{hint}", "query", name[:80], kind="extra_forbidden")

    def _explain(self, error: msgspec.ValidationError, values: Mapping[str, Any]) -> Unprocessable:
        message, _, where = str(error).partition(" - at `$.")
        name = where.rstrip("`").split("[...]")[0]
        if not where:
            name = next((known for known in self._names if f"`{known}`" in message), "")
            return Unprocessable(f"query parameter {name!r} is missing", "query", name, kind="missing")
        value = values.get(name)
        return Unprocessable(f"query parameter {name}={value!r}: {message}", "query", name, value=value)


def _bare(hint: Any) -> Any:
    """The type without `Annotated`, and without `| None`."""
    if hasattr(hint, "__metadata__"):
        return _bare(get_args(hint)[0])
    options = [option for option in get_args(hint) if option is not type(None)]
    if type(None) in get_args(hint) and len(options) == 1:
        return _bare(options[0])
    return hint


def _boolean(name: str, text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise Unprocessable(
            f"query parameter {name}={text[:80]!r}: expected true or false", "query", name, value=text[:80], kind="bool_parsing"
        ) from None
