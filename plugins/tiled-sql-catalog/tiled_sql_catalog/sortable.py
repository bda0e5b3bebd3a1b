"""JSON values as bytes that compare as the values do.

One index over such bytes answers for every query and every order, on any database that compares bytes: two values
are equal exactly if their `identity` is, and stand in the order of their `sort_key`, as `tiledkernel.nodes.values`
says. The first byte tells the type; null comes first, for listings to leave it out.

Keys have a bound, because an index entry has: of a longer one the beginning is kept, and a digest of the rest. Equality
stays exact that way. Values that begin with the same `MAX_KEY` bytes are in an order of their own.
"""

from __future__ import annotations

import math
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from tiledkernel import wire
from tiledkernel.nodes import values

MAX_KEY = 512  # bytes that are kept as they are
NULL, BOOLEAN, NUMBER, TEXT, LIST, OBJECT = (bytes([tag]) for tag in (1, 2, 3, 4, 5, 6))
AFTER_TEXT = LIST  # every text's key is less than this
_DIGEST = 16
_BIAS = 1 << 31
_CHUNK = 7  # bits
_FEW = 8 * _CHUNK
_LARGE = 1 << 63
_FLOAT_BITS = 52
_COMPLEMENT = bytes(255 - byte for byte in range(256))


def sort_key(value: Any) -> bytes:
    """Bytes in whose order a JSON value stands among others; lists and objects by their JSON text."""
    return _bounded(_full_key(value))


def identity(value: Any) -> bytes:
    """Bytes that two JSON values have in common exactly if they are equal."""
    if isinstance(value, (list, dict)):
        return (LIST if isinstance(value, list) else OBJECT) + blake2b(_canonical(value), digest_size=_DIGEST).digest()
    return _bounded(_full_key(value))


def is_exact(key: bytes) -> bool:
    """Whether a key holds its value wholly."""
    return len(key) <= MAX_KEY


def text_key(text: str) -> bytes:
    """The key of a text."""
    key = TEXT + text.encode("utf-8", "surrogatepass")  # in the order of code points
    return key if len(key) <= MAX_KEY else _bounded(key)


def text_of(key: bytes) -> str:
    """The text whose key this is; it must be exact."""
    return key[1:].decode("utf-8", "surrogatepass")


def _bounded(key: bytes) -> bytes:
    return key if len(key) <= MAX_KEY else key[:MAX_KEY] + blake2b(key, digest_size=_DIGEST).digest()


def _full_key(value: Any) -> bytes:
    if isinstance(value, str):
        return TEXT + _utf8(value)
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN + bytes([value])
    if isinstance(value, (int, float)):
        return _often(value) if isinstance(value, float) or -_LARGE < value < _LARGE else NUMBER + _number(value)
    return (LIST if isinstance(value, list) else OBJECT) + wire.encode_json(value)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # in the order of code points


@lru_cache(maxsize=16_384, typed=True)
def _often(number: float) -> bytes:
    """The key of a number that takes little room: metadata of many nodes hold the same ones."""
    return NUMBER + _number(number)


def _number(number: float) -> bytes:
    """A finite number by its sign, its exponent and its binary digits, so that size and digits have no limit."""
    if number == 0:
        return b"\x01"
    if isinstance(number, int):
        exponent = abs(number).bit_length() - 1
        digits, width = abs(number) - (1 << exponent), exponent
    else:
        mantissa, power = math.frexp(abs(number))
        exponent = power - 1
        digits, width = int((mantissa * 2 - 1) * (1 << _FLOAT_BITS)), _FLOAT_BITS
    body = (exponent + _BIAS).to_bytes(4) + (_few_digits if width <= _FEW else _digits)(digits, width)
    return b"\x02" + body if number > 0 else b"\x00" + body.translate(_COMPLEMENT)


def _digits(digits: int, width: int) -> bytes:
    """Binary digits after the leading one, seven to a byte; the last byte is less than any that could follow."""
    chunks = -(-width // _CHUNK)
    digits <<= chunks * _CHUNK - width
    found = bytearray()
    for chunk in range(chunks - 1, -1, -1):
        found.append((digits >> (chunk * _CHUNK) & 0x7F) << 1 | 1)
    return bytes(found).rstrip(b"\x01") + b"\x00"


def _few_digits(digits: int, width: int) -> bytes:
    """The same for as many digits as eight bytes have: all are moved apart at once, in halves, quarters, eighths."""
    digits <<= _FEW - width
    digits = (digits & 0xFFFFFFF0000000) << 4 | digits & 0xFFFFFFF
    digits = (digits & 0xFFFC0000FFFC000) << 2 | digits & 0x3FFF00003FFF
    digits = (digits & 0x3F803F803F803F80) << 1 | digits & 0x7F007F007F007F
    return (digits << 1 | 0x0101010101010101).to_bytes(8).rstrip(b"\x01") + b"\x00"


def _canonical(value: Any) -> bytes:
    """The same bytes for equal values: no matter how a number is written, or in which order keys are."""
    if isinstance(value, list):
        parts = [_canonical(item) for item in value]
    elif isinstance(value, dict):
        parts = [part for key in sorted(value) for part in (_utf8(key), _canonical(value[key]))]
    else:
        return _full_key(value)
    tag = LIST if isinstance(value, list) else OBJECT
    return tag + b"".join(len(part).to_bytes(8) + part for part in parts)


def key_of(value: Any) -> bytes:
    """The identity of any value that a query may hold, once it is what JSON makes of it."""
    return identity(values.json_value(value))
