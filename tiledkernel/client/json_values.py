"""Metadata as a reader will see them: what scientists put there becomes what JSON has."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from tiledkernel.wire import BYTES_PREFIX, Blob, decode_json, plain


def as_json(value: Any, where: str = "metadata") -> Any:
    """A copy of a value made of what JSON has.

    Times become texts in ISO 8601, arrays lists, bytes `data:` URIs, and what is no number null. TypeError names what
    cannot be stored.
    """
    try:
        return decode_json(_encoder.encode(plain(value)))
    except UnicodeEncodeError as error:
        raise ValueError(f"{where} hold a text with half of a character, which JSON has no room for: {error}") from None
    except RecursionError:
        raise ValueError(f"{where} are nested too deeply, or contain themselves") from None
    except TypeError as error:
        raise TypeError(f"{where} cannot be stored: {error}") from None


def _json_leaf(value: Any) -> Any:
    if isinstance(value, Blob):
        return BYTES_PREFIX + base64.b64encode(value.data).decode()
    if isinstance(value, complex):
        return [value.real, value.imag]
    if (made := plain(value)) is not value:  # in a place that `plain` did not look into, such as a Struct
        return made
    raise TypeError(
        f"{value!r:.80} is of type {type(value).__name__!r}; expected texts, numbers, booleans, None, times, bytes, "
        "arrays, and lists and dictionaries of such"
    )


_encoder = msgspec.json.Encoder(enc_hook=_json_leaf)
