"""A file for libraries to write into, whose content is sent while they write."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any


class Outlet(io.RawIOBase):
    """Keeps what is written until somebody takes it; can tell how far it is, but not go back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        """It takes whatever comes."""
        return True

    def write(self, data: Any) -> int:
        """Keep a copy: libraries use their memory again."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def tell(self) -> int:
        """How much has been written."""
        return self._position

    def take(self) -> Iterator[bytes]:
        """What has been written since the last time."""
        pieces, self._pieces = self._pieces, []
        yield from pieces
