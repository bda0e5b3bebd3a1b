"""The tables in which Arrow writes the heads of its messages (FlatBuffers), read field by field."""

from __future__ import annotations

import struct
from collections.abc import Iterator


class FlatTable:
    """A table; its fields have numbers, and those with their default value may be left out.

    struct.error where the data are damaged.
    """

    def __init__(self, data: bytes, position: int | None = None) -> None:
        self._data = data
        self._position = self._unpack("<I", 0) if position is None else position

    def number(self, field: int, kind: str) -> int:
        """A number, in a format of `struct`; 0 if it is left out."""
        place = self._place(field)
        return self._unpack(kind, place) if place else 0

    def table(self, field: int) -> FlatTable | None:
        """A table below this one; None if it is left out."""
        place = self._place(field)
        return FlatTable(self._data, place + self._unpack("<I", place)) if place else None

    def structs(self, field: int, kind: str) -> Iterator[tuple[int, ...]]:
        """The elements of a vector, each in a format of `struct`."""
        place = self._place(field)
        if place:
            vector = place + self._unpack("<I", place)
            stop = vector + 4 + self._unpack("<I", vector) * struct.calcsize(kind)
            yield from struct.iter_unpack(kind, memoryview(self._data)[vector + 4 : stop])

    def _place(self, field: int) -> int:
        """Where a field lies; 0 if it is left out."""
        offsets = self._position - self._unpack("<i", self._position)
        entry = 4 + 2 * field
        offset = self._unpack("<H", offsets + entry) if entry < self._unpack("<H", offsets) else 0
        return self._position + offset if offset else 0

    def _unpack(self, kind: str, place: int) -> int:
        return int(struct.unpack_from(kind, self._data, place)[0])
