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
MAX_LENGTH = 1 << 20  # bytes
MAX_SHOWN = 80  # characters of a name or a value that a message repeats
ALWAYS = frozenset({"api_key", "csrf"})  # credentials may come with any request
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def parse_query(query_string: bytes) -> dict[str, list[str]]:
    """Names and values of a query string, in order; Unprocessable if it is no text, too long, or holds NUL bytes."""
    values: dict[str, list[str]] = {}
    if not query_string:
        return values
    if len(query_string) > MAX_LENGTH or query_string.count(b"&") >= MAX_PARAMETERS:
        raise Unprocessable(
            f"the query is too long: at most {MAX_PARAMETERS} parameters and {MAX_LENGTH} bytes are taken", "query"
        )
    try:
        return _split(query_string.decode(), values)
    except UnicodeDecodeError:
        raise Unprocessable("the query is no UTF-8: percent-encode texts as UTF-8, 'é' as '%C3%A9'", "query") from None


def _split(text: str, values: dict[str, list[str]]) -> dict[str, list[str]]:
    coded = "%" in text or "+" in text
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if coded:
            name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
        if "\x00" in name or "\x00" in value:
            shown = name[:MAX_SHOWN]
            raise Unprocessable(
                f"query parameter {shown!r} holds a NUL byte, which nothing here can contain", "query", shown
            )
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
                raise Unprocessable(
                    f"unknown query parameter {name[:MAX_SHOWN]!r}{hint}",
                    "query",
                    name[:MAX_SHOWN],
                    kind="extra_forbidden",
                )

    def _explain(self, error: msgspec.ValidationError, values: Mapping[str, Any]) -> Unprocessable:
        message, _, where = str(error).partition(" - at `$.")
        name = where.rstrip("`").split("[...]")[0]
        if not where:
            name = next((known for known in self._names if f"`{known}`" in message), "")
            return Unprocessable(f"query parameter {name!r} is missing", "query", name, kind="missing")
        value = _shown(values.get(name))
        if "`int" in message:  # in a query everything is text
            message = "expected a whole number"
        return Unprocessable(f"query parameter {name}={value!r}: {message}", "query", name, value=value)


def _shown(value: Any) -> Any:
    """What a message repeats of a value."""
    return value[:MAX_SHOWN] if isinstance(value, str) else value if not isinstance(value, list) else value[:1]


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
            f"query parameter {name}={text[:MAX_SHOWN]!r}: expected true or false",
            "query",
            name,
            value=text[:MAX_SHOWN],
            kind="bool_parsing",
        ) from None
