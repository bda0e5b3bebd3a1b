"""The chain of pages in a TIFF file, followed to its end.

tifffile stops at a broken link and returns the pages before it, so that half a stack would look like a whole one.
"""

from __future__ import annotations

import os
import struct
from io import FileIO

from tiledkernel.errors import Unavailable

MAX_PAGES = 10_000_000


def check_chain(file: FileIO, name: str) -> None:
    """Raise Unavailable if the file is no TIFF, or if its chain of pages leads out of the file or in a circle."""
    head = _read(file, 0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    version = struct.unpack(f"{order}H", head[2:4])[0] if order and len(head) >= 8 else 0
    if version not in (42, 43) or (version == 43 and len(head) < 16):
        raise Unavailable(f"{name!r} is no TIFF file: it begins with {head[:4]!r}")
    big = version == 43
    number, entry, link = ("Q", 20, "Q") if big else ("H", 12, "I")
    size = os.fstat(file.fileno()).st_size
    offset = struct.unpack(f"{order}{link}", head[8:16] if big else head[4:8])[0]
    seen: set[int] = set()
    while offset:
        if offset in seen or len(seen) > MAX_PAGES:
            raise Unavailable(f"{name!r} is damaged: its pages lead in a circle")
        seen.add(offset)
        count = _unpack(file, f"{order}{number}", offset, name, len(seen))
        end = offset + struct.calcsize(number) + count * entry
        if end > size:
            raise _cut_off(name, len(seen))
        offset = _unpack(file, f"{order}{link}", end, name, len(seen))
    if not seen:
        raise Unavailable(f"{name!r} has no pages: was it cut off while it was written?")


def _unpack(file: FileIO, form: str, offset: int, name: str, page: int) -> int:
    length = struct.calcsize(form)
    data = _read(file, offset, length)
    if len(data) < length:
        raise _cut_off(name, page)
    return int(struct.unpack(form, data)[0])


def _read(file: FileIO, offset: int, length: int) -> bytes:
    if offset >= 1 << 63:  # further than any file reaches
        return b""
    file.seek(offset)
    return file.read(length)


def _cut_off(name: str, page: int) -> Unavailable:
    return Unavailable(
        f"{name!r} is damaged: page {page} lies beyond the end of the file; was it cut off while it was copied?"
    )
