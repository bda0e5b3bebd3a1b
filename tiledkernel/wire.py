"""Control messages as JSON and msgpack.

Everything that is not a payload (metadata, listings, errors) is encoded here. Metadata may hold what scientists
put there: numpy values become numbers and lists, datetimes ISO texts (msgpack: timestamps), bytes data URIs
(msgpack: binary), NaN and infinities null in JSON.
"""

from __future__ import annotations

import base64
import datetime
import enum
import hashlib
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import msgspec

JSON = "application/json"
MSGPACK = "application/x-msgpack"
BYTES_PREFIX = "data:application/octet-stream;base64,"

_PLAIN = (str, int, float, bool, type(None))
_WIDEST = {"f": 8, "c": 16}  # bytes


class Blob:
    """Bytes inside a control message; a wrapper, because JSON and msgpack write bytes differently.

    No Struct: the encoders would write its fields and never ask their hooks.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Written:
    """An object that is JSON already, as `encode_json` wrote it: it goes into another message as it is."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def plain(value: Any) -> Any:
    """`value` with every leaf made of something that both encoders understand; keys become text."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict or isinstance(value, Mapping):
        return {key if type(key) is str else str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return _plain_leaf(value)


def _plain_leaf(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind of leaf
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Blob(bytes(value))
    if isinstance(value, datetime.datetime):
        return _aware(value)
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _plain_numpy(value)
    for kind in (str, bool, int, float):  # subclasses, which the encoders do not take
        if isinstance(value, kind):
            return kind(value)
    return value


def _aware(moment: datetime.datetime) -> datetime.datetime | None:
    """A moment with its offset; one without is in local time, as far as the calendar reaches. None if it is missing."""
    if moment != moment:  # noqa: PLR0124 - pandas' NaT, which is a datetime, differs from itself
        return None
    if type(moment) is not datetime.datetime:  # nor do subclasses take the same arguments
        moment = datetime.datetime.combine(moment.date(), moment.timetz())
    if moment.tzinfo is not None:
        return moment
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):
        return moment.replace(tzinfo=datetime.UTC)


def _plain_numpy(value: Any) -> Any:
    if value.dtype.kind in "fc" and value.dtype.itemsize > _WIDEST[value.dtype.kind]:
        value = value.astype(f"{value.dtype.kind}{_WIDEST[value.dtype.kind]}")  # wider ones are no Python numbers
    if value.dtype.kind in "mM":  # texts: nanoseconds do not fit a datetime; NaT is missing
        texts = value.astype(str).tolist()
        return _missing(texts)
    if value.dtype.kind == "c":
        return plain([value.real, value.imag]) if value.ndim == 0 else [plain(item) for item in value]
    return plain(value.tolist())


def _missing(texts: Any) -> Any:
    if isinstance(texts, list):
        return [_missing(text) for text in texts]
    return None if texts == "NaT" else texts


def _json_hook(value: Any) -> Any:
    if type(value) is Written:
        return msgspec.Raw(value.text)
    if isinstance(value, Blob):
        return BYTES_PREFIX + base64.b64encode(value.data).decode()
    return _hook(value)


def _msgpack_hook(value: Any) -> Any:
    if type(value) is Written:
        return decode_json(value.text)
    return value.data if isinstance(value, Blob) else _hook(value)


def _hook(value: Any) -> Any:
    if isinstance(value, complex):
        return [value.real, value.imag]
    if isinstance(value, Mapping):
        return dict(value)
    made = plain(value)
    return made if made is not value else str(value)


_json = msgspec.json.Encoder(enc_hook=_json_hook)
_msgpack = msgspec.msgpack.Encoder(enc_hook=_msgpack_hook)
_decode_json = msgspec.json.Decoder()


def encode_json(message: Any) -> bytes:
    """`message` as compact UTF-8 JSON."""
    try:
        return _json.encode(message)
    except UnicodeEncodeError:
        return _json.encode(_mended(message))


def encode_msgpack(message: Any) -> bytes:
    """`message` as msgpack; integers of more than 64 bits become floats."""
    try:
        return _msgpack.encode(message)
    except (UnicodeEncodeError, OverflowError):
        return _msgpack.encode(_mended(message, widest=1 << 63))


def _mended(value: Any, widest: int | None = None) -> Any:
    """`value` with what the encoders cannot write replaced: halves of characters, integers beyond `widest`.

    Such texts come from file names and attributes that are no UTF-8.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_mended(key): _mended(item, widest) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mended(item, widest) for item in value]
    if type(value) is int and widest is not None and not -widest <= value < 2 * widest:
        return _as_float(value)
    if type(value) is Written:
        return _mended(decode_json(value.text), widest)
    return value


def _as_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def decode_json(body: bytes | str) -> Any:
    """JSON text to plain objects; msgspec.DecodeError if it is none."""
    return _decode_json.decode(body)


def prefers_msgpack(accept: str) -> bool:
    """Whether an `Accept` header asks for msgpack before JSON; control messages are never 406."""
    if not accept or accept == "*/*":
        return False
    if accept == MSGPACK:
        return True
    for part in accept.split(","):
        name, _, parameters = part.strip().partition(";")
        if parameters.replace(" ", "").startswith("q=0") and not parameters.strip("q=0. "):
            continue
        if name in (JSON, "*/*", "application/*"):
            return False
        if name == MSGPACK:
            return True
    return False


def digest(body: bytes | bytearray | memoryview) -> str:
    """A short name for the content of a control message, used in its ETag."""
    return hashlib.sha256(body).hexdigest()[:24]  # processors have instructions for this one
