"""The tags of a TIFF page as metadata."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import msgspec
import tifffile

from tiledkernel import wire

MAX_ITEMS = 256  # of a list; longer ones say where strips lie, or are colour tables
MAX_LENGTH = 64 << 10  # characters of one value as JSON


def read_tags(page: tifffile.TiffPage) -> dict[str, Any]:
    """Name and value of each tag; values that are too long to be metadata are left out, long texts described."""
    metadata: dict[str, Any] = {}
    for tag in page.tags:
        value = _bounded(tag)
        if value is not None:
            metadata.setdefault(tag.name, value)  # of two descriptions the first is the owner's, the other a program's
    return metadata


def _bounded(tag: tifffile.TiffTag) -> Any:
    try:
        value = tag.value
    except Exception as error:  # noqa: BLE001 - a tag of any maker's own may be damaged; the image is not
        return f"unreadable: {error}"
    if isinstance(value, str):
        return value if len(value) <= MAX_LENGTH else f"not shown: {len(value):_} characters"
    if isinstance(value, Sized) and len(value) > MAX_ITEMS:
        return None
    plain = wire.plain(value)
    try:
        short = len(wire.encode_json(plain)) <= MAX_LENGTH and wire.encode_msgpack(plain)
    except (msgspec.EncodeError, TypeError, ValueError, OverflowError):
        return str(value)[:MAX_LENGTH]
    return value if short else None
