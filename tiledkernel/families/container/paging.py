"""Pages of a listing, and the cursors that lead from one to the next.

A cursor names the last child that was seen, so that a listing which changes between two pages neither repeats nor
skips what stays: children that come or go before that place do not shift what follows. It is one integer, as the
protocol wants it: the position of that child, and a checksum of its key by which it is found again if it moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from msgspec import Struct

from tiledkernel.errors import BadRequest, Unprocessable

MAX_LIMIT = 300
MAX_OFFSET = 10**15
MAX_TOKEN = 1700  # bytes: as a number, a token may not have more digits than Python reads
_BITS = 32
_MARK = b"\x01"  # in front of a token's bytes, lest leading zeros get lost


class Page(Struct, frozen=True):
    """Which children are wanted: `limit` of them from `offset` on, or after the child that `cursor` names."""

    limit: int
    offset: int = 0
    cursor: int | None = None

    def start(self, keys: Sequence[str]) -> int:
        """Position of the first child of the page."""
        if self.cursor is None:
            return self.offset
        check_range("page[cursor]", self.cursor, 0, MAX_OFFSET << _BITS)
        return after(self.cursor, keys)


def parse_page(limit: int, offset: int | None, cursor: int | None) -> Page:
    """The page that a request asks for; BadRequest or Unprocessable says what is wrong."""
    if offset is not None and cursor is not None:
        raise BadRequest("'page[offset]' and 'page[cursor]' cannot be used together")
    check_range("page[limit]", limit, 0, MAX_LIMIT)
    check_range("page[offset]", offset or 0, 0, MAX_OFFSET)
    check_range("page[cursor]", cursor or 0, 0, 1 << (8 * MAX_TOKEN))
    return Page(limit, offset or 0, cursor)


def cursor_of(token: bytes) -> int:
    """A token of a container that pages itself, as the one integer that the protocol has room for."""
    if len(token) >= MAX_TOKEN:
        raise BadRequest("the values of this page's last child are too long to go on from: sort by fewer keys")
    return int.from_bytes(_MARK + token)


def token_of(cursor: int) -> bytes:
    """The token that became this cursor; Unprocessable if none did."""
    content = cursor.to_bytes((cursor.bit_length() + 7) // 8) if 0 <= cursor < 1 << (8 * MAX_TOKEN) else b""
    if not content.startswith(_MARK):
        raise Unprocessable(
            "this 'page[cursor]' is none: take it from the 'next' link of a page of the same search",
            "query", "page[cursor]", value=str(cursor)[:80],
        )  # fmt: skip
    return content.removeprefix(_MARK)


def cursor_after(position: int, key: str) -> int:
    """The cursor for what follows the child `key` at `position`."""
    return position << _BITS | _checksum(key)


def place_of(cursor: int, keys: Sequence[str]) -> int | None:
    """Where the child that a cursor names stands among `keys` by now; None if it is gone."""
    position, checksum = cursor >> _BITS, cursor & ((1 << _BITS) - 1)
    if position < len(keys) and _checksum(keys[position]) == checksum:
        return position
    moved = [place for place, key in enumerate(keys) if _checksum(key) == checksum]
    return min(moved, key=lambda place: abs(place - position)) if moved else None


def after(cursor: int, keys: Sequence[str]) -> int:
    """Position of what follows the child that a cursor names; if that is gone, what followed it has moved up."""
    place = place_of(cursor, keys)
    return min(cursor >> _BITS, len(keys)) if place is None else place + 1


def _checksum(key: str) -> int:
    return crc32(key.encode("utf-8", "surrogatepass"))


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Unprocessable unless low <= value <= high."""
    if not low <= value <= high:
        raise Unprocessable(f"{name}={value} is out of range: expected {low} to {high}", "query", name, value=value)
