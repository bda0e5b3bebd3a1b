"""What the chunks of a PNG file say besides the pixels, wherever in the file they stand.

Pillow knows only those in front of the pixels until it has decoded them; many programs write their texts behind.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import IO

from msgspec import Struct

MAX_CHUNKS = 100_000  # that are looked at
MAX_TEXTS = 256
MAX_DATA = 1 << 20  # bytes of one text, compressed or not
_SIGNATURE = 8  # bytes
_DEPTH = 8  # where the header chunk says how many bits a sample has


class Chunks(Struct, frozen=True):
    """Bits of a sample in the file, texts by keyword, and EXIF tags as they rest."""

    bit_depth: int
    texts: dict[str, str]
    exif: bytes | None


def read_chunks(file: IO[bytes]) -> Chunks:
    """What the chunks of an open file say; where the file stands is not changed."""
    position = file.tell()
    depth, exif = 0, None
    texts: dict[str, str] = {}
    try:
        for kind, data in _walk(file):
            if kind == b"IHDR":
                depth = data[_DEPTH] if len(data) > _DEPTH else 0
            elif kind == b"eXIf":
                exif = data
            elif len(texts) < MAX_TEXTS and (found := _text(kind, data)) is not None:
                texts.setdefault(*found)
    finally:
        file.seek(position)
    return Chunks(depth, texts, exif)


def _walk(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of the chunks that say something, up to the end or to where the file is damaged."""
    place = _SIGNATURE
    for _ in range(MAX_CHUNKS):
        file.seek(place)
        head = file.read(8)
        length, kind = int.from_bytes(head[:4]), head[4:]
        if len(head) < 8 or kind == b"IEND":
            return
        if kind in (b"IHDR", b"tEXt", b"zTXt", b"iTXt", b"eXIf") and length <= MAX_DATA:
            data = file.read(length)
            if len(data) == length:
                yield kind, data
        place += 12 + length


def _text(kind: bytes, data: bytes) -> tuple[str, str] | None:
    """Keyword and text of a chunk; None if it has none, or is damaged."""
    keyword, _, rest = data.partition(b"\0")
    try:
        if kind == b"tEXt":
            text = rest.decode("latin-1")
        elif kind == b"zTXt":
            text = _inflated(rest[1:]).decode("latin-1")
        elif kind == b"iTXt":
            flag, _, international = rest[:1], rest[1:2], rest[2:]
            _, _, translated = international.partition(b"\0")
            body = translated.partition(b"\0")[2]
            text = (_inflated(body) if flag == b"\1" else body).decode("utf-8", errors="replace")
        else:
            return None
    except zlib.error:
        return None
    return keyword.decode("latin-1"), text


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, MAX_DATA)
