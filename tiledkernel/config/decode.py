"""From a document to typed values, with every mistake found and explained, not only the first."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from tiledkernel.config.document import Document, InvalidConfiguration, KeyPath, Problem, show
from tiledkernel.config.shapes import Shape, parse_where, validation_error

T = TypeVar("T")

_MISSING = "Object missing required field "
_QUOTE = "'"


def decode(document: Document, type_: type[T], at: KeyPath, skip: frozenset[KeyPath] = frozenset()) -> T:
    """The part of a document at the path `at` as a Struct; nothing there counts as an empty mapping.

    Paths in `skip` were dealt with already.
    """
    shape = Shape.of(type_)
    part = document.at(at)
    value = _prepared({} if part is None else part, shape, at, document)
    unknown = [path for path in _unknown(value, shape, at) if path not in skip]
    problems = [_unknown_key(document, shape, at, path) for path in unknown]
    value = _without(value, {*unknown, *skip}, at)
    problems.extend(_wrong_values(document, value, type_, at))
    if problems:
        raise InvalidConfiguration(problems)
    return msgspec.convert(value, type_)


def _prepared(value: Any, shape: Shape | None, path: KeyPath, document: Document) -> Any:
    """A copy in which text from the environment has become what is expected."""
    if isinstance(value, dict):
        return {key: _prepared(v, shape and shape.below(key), (*path, key), document) for key, v in value.items()}
    if isinstance(value, list):
        return [_prepared(v, shape and shape.below(i), (*path, i), document) for i, v in enumerate(value)]
    if isinstance(value, str) and shape is not None and path in document.from_text:
        return shape.interpret(value)
    return value


def _unknown(value: Any, shape: Shape | None, path: KeyPath) -> Iterator[KeyPath]:
    if shape is None:
        return
    if isinstance(value, dict):
        keys = shape.keys()
        for key, inner in value.items():
            if keys is not None and key not in keys:
                yield (*path, key)
            else:
                yield from _unknown(inner, shape.below(key), (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unknown(inner, shape.below(index), (*path, index))


def _unknown_key(document: Document, shape: Shape, at: KeyPath, path: KeyPath) -> Problem:
    around = shape.at(path[len(at) : -1])
    keys = (around.keys() if around else None) or []
    return Problem(
        document.origin(path), path, f"unknown key{did_you_mean(str(path[-1]), keys)}; known: {', '.join(keys)}"
    )


def _without(value: Any, left_out: set[KeyPath], path: KeyPath) -> Any:
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if (*path, key) not in left_out}
        return {key: _without(inner, left_out, (*path, key)) for key, inner in kept.items()}
    if isinstance(value, list):
        return [_without(inner, left_out, (*path, index)) for index, inner in enumerate(value)]
    return value


def _wrong_values(document: Document, value: Any, type_: Any, at: KeyPath) -> Iterator[Problem]:
    """One problem for each key, for each entry of a list of mappings, and for what is missing."""
    if not isinstance(value, dict):
        yield Problem(document.origin(at), at, f"{show(at, value)}: expected a mapping of keys")
        return
    found = False
    for key, inner in value.items():
        for problem in _wrong_below(document, key, inner, type_, at):
            found = True
            yield problem
    error = None if found else validation_error(value, type_)
    if error is not None:
        yield _wrong_value(document, value, error, Shape.of(type_), at)


def _wrong_below(document: Document, key: str, value: Any, type_: Any, at: KeyPath) -> Iterator[Problem]:
    shape = Shape.of(type_)
    below = shape.below(key)
    item = below.below(0) if below is not None and isinstance(value, list) else None
    if item is not None and isinstance(item.type, inspect.StructType):
        for index, entry in enumerate(value):
            yield from _wrong_values(document, entry, item.type.cls, (*at, key, index))
    elif below is not None and isinstance(below.type, inspect.StructType):
        yield from _wrong_values(document, value, below.type.cls, (*at, key))
    elif below is not None:
        error = validation_error({key: value}, type_)
        # A Struct with required keys complains of those too; only what concerns this key counts here.
        if error is not None and parse_where(str(error))[1][:1] == (key,):
            yield _wrong_value(document, {key: value}, error, shape, at)


def _wrong_value(document: Document, value: Any, error: msgspec.ValidationError, shape: Shape, at: KeyPath) -> Problem:
    message, below = parse_where(str(error))
    path = (*at, *below)
    if message.startswith(_MISSING):
        return Problem(
            document.origin(path), path, f"the key {message.removeprefix(_MISSING).replace('`', _QUOTE)} is missing"
        )
    found = value
    for key in below:
        found = found[key]
    expected = shape.at(below)
    description = expected.description if expected else ""
    if description and "matching regex" in message:
        message = f"expected {description}"
    else:
        message = f"{message[:1].lower()}{message[1:]}" + (f" ({description})" if description else "")
    hint = f"; the environment variable {document.unset[path]!r} is not set" if path in document.unset else ""
    return Problem(document.origin(path), path, f"{show(path, found)}: {message}{hint}")


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """'; did you mean ...?' if a known name is near."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
