"""Where rows end, and a file cut into pieces of whole rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO

MAX_ROW = 256 << 20  # bytes


def end_of_row(data: bytes, separator: str, newline: bytes) -> int:
    """The length of the first row in `data`, its line end included; all of `data` if there is no line end."""
    quoted = _quoted_newlines(data, separator, newline)
    end = data.find(newline)
    for start, stop in quoted:
        if start < end < stop:
            end = data.find(newline, stop)
    return end + 1 or len(data)


def end_of_rows(data: bytes, separator: str, newline: bytes) -> int:
    """The length of all whole rows in `data`; 0 if there is none."""
    end = data.rfind(newline)
    for start, stop in reversed(_quoted_newlines(data, separator, newline)):
        if start < end < stop:
            end = data.rfind(newline, 0, start)
    return end + 1


def _quoted_newlines(data: bytes, separator: str, newline: bytes) -> list[tuple[int, int]]:
    """Where quoted fields lie that have a line end in them; the last one may be cut off."""
    if b'"' not in data:
        return []
    spans = (match.span() for match in _quoted_field(separator).finditer(data))
    return [span for span in spans if data.find(newline, *span) >= 0]


@lru_cache(maxsize=16)
def _quoted_field(separator: str) -> re.Pattern[bytes]:
    """A quote opens a field only where a field begins; inside, two quotes stand for one."""
    edge = re.escape(separator.encode())
    return re.compile(rb"(?:\A|(?<=[\r\n" + edge + rb']))"[^"]*+(?:""[^"]*+)*+(?:"|\Z)')


def pieces(file: BinaryIO, start: int, size: int, separator: str, newline: bytes) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of pieces of whole rows from `start` on; of at most `size` bytes, unless one row is longer."""
    want = size
    while True:
        file.seek(start)
        data = file.read(want)
        if len(data) < want:
            if data.strip():
                yield start, data
            return
        end = end_of_rows(data, separator, newline)
        if end:
            yield start, data[:end]
            start, want = start + end, size
        elif want >= MAX_ROW:
            raise ValueError(
                f"a row that begins at byte {start} has no end within {MAX_ROW} bytes: "
                "perhaps a quote was opened there and never closed"
            )
        else:
            want *= 2
