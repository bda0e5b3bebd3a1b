"""What an encoder knows besides the payload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from tiledkernel.media_types import Offer
from tiledkernel.specs import Spec

Body: TypeAlias = "bytes | bytearray | memoryview | str | Parts | Iterator[bytes | memoryview]"


class Parts(Struct, frozen=True):
    """A whole body that lies in memory in several places: it is sent from there and not put together before."""

    pieces: tuple[memoryview, ...]

    @property
    def nbytes(self) -> int:
        """Its size."""
        return sum(piece.nbytes for piece in self.pieces)

    def gather(self, least: int) -> Iterator[memoryview]:
        """Its pieces, of which those that are smaller than `least` are put together."""
        small: list[memoryview] = []
        for piece in self.pieces:
            if piece.nbytes < least:
                small.append(piece)
                continue
            if small:
                yield memoryview(b"".join(small))
                small.clear()
            yield piece
        if small:
            yield memoryview(b"".join(small))


class Encoding(Struct, frozen=True):
    """The format that was agreed on, with its parameters, and the node whose data are encoded."""

    media_type: Offer
    name: str = ""
    metadata: Mapping[str, Any] = {}
    specs: Sequence[Spec] = ()

    def parameter(self, name: str) -> str | None:
        """A parameter of the media type, such as 'absent' for `header` in `text/csv;header=absent`."""
        for key, value in self.media_type.parameters:
            if key == name:
                return value
        return None
