"""Metadata as a reader will see them: what scientists put there becomes what JSON has."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tiledkernel.wire import BYTES_PREFIX, Blob, decode_json, plain


def as_json(value: Any, where: str = "metadata") -> Any:
    """A copy of a value made of what JSON has.

    Times become texts in ISO 8601, arrays lists, bytes `data:` URIs, and what is no number null. What cannot be stored
    is told with its place: TypeError for things of another kind, ValueError for numbers that are too large.
    """
    try:
        found = decode_json(_encoder.encode(plain(value)))
        _msgpack.encode(found)  # which most readers get
    except UnicodeEncodeError as error:
        raise ValueError(f"{where} hold a text with half of a character, which JSON has no room for: {error}") from None
    except RecursionError:
        raise ValueError(f"{where} are nested too deeply, or contain themselves") from None
    except _Strange as error:
        raise TypeError(f"{_place(plain(value), error.value, where)} cannot be stored: {error}") from None
    except OverflowError:
        place, number = next(_large(found, where))
        raise ValueError(
            f"{place} cannot be stored: {str(number)[:40]} has more than 64 bits; write it as a text, or as a float"
        ) from None
    return found


class _Strange(TypeError):
    """A value that JSON has nothing for."""

    def __init__(self, value: Any) -> None:
        super().__init__(
            f"{value!r:.80} is of type {type(value).__name__!r}; expected texts, numbers, booleans, None, times, "
            "bytes, arrays, and lists and dictionaries of such"
        )
        self.value = value


def _place(value: Any, wanted: Any, where: str) -> str:
    """Where in a value the wanted one is: 'metadata.sample.owner'; just 'metadata' if it is in none of its parts."""
    return next((place for place, found in _leaves(value, where) if found is wanted), where)


def _large(value: Any, where: str) -> Iterator[tuple[str, int]]:
    """Numbers that msgpack has no room for, with their places."""
    return (
        (place, found)
        for place, found in _leaves(value, where)
        if type(found) is int and not -(1 << 63) <= found < 1 << 64
    )


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{where}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{where}[{number}]")
    else:
        yield where, value


def _json_leaf(value: Any) -> Any:
    if isinstance(value, Blob):
        return BYTES_PREFIX + base64.b64encode(value.data).decode()
    if isinstance(value, complex):
        return [value.real, value.imag]
    if (made := plain(value)) is not value:  # in a place that `plain` did not look into, such as a Struct
        return made
    raise _Strange(value)


_encoder = msgspec.json.Encoder(enc_hook=_json_leaf)
_msgpack = msgspec.msgpack.Encoder()
