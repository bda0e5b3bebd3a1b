"""What takes in the body of an answer, piece by piece, and makes something of it. No network is involved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from tiledkernel.client.decoders import Decoder
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.messages import UnexpectedAnswer, parse_message

T_co = TypeVar("T_co", covariant=True)


class Sink(Protocol[T_co]):
    """Takes in a body; it is used for one attempt, and either finished or abandoned."""

    def write(self, piece: Any) -> None:
        """Take the next piece, bytes-like, of the decoded body."""

    def finish(self) -> T_co:
        """What the whole body is."""

    def abandon(self) -> None:
        """The body will not be completed: leave nothing behind."""


class Collected:
    """The whole body in memory."""

    def __init__(self, headers: httpx.Headers) -> None:
        self.headers = headers
        self._pieces: list[Any] = []
        self._whole: bytearray | None = None

    def write(self, piece: Any) -> None:
        """Keep a piece."""
        self._pieces.append(piece)

    def rest(self, length: int) -> Iterator[memoryview]:
        """Memory for what is still to come of a body of this length."""
        begin = b"".join(self._pieces)
        self._pieces.clear()
        try:
            self._whole = bytearray(length)
        except (MemoryError, OverflowError):
            raise UnexpectedAnswer(f"the answer claims to have {length} bytes, more than fit into memory") from None
        self._whole[: len(begin)] = begin
        yield memoryview(self._whole)[len(begin) :]

    def finish(self) -> bytes | bytearray:
        """All of them."""
        return b"".join(self._pieces) if self._whole is None else self._whole

    def abandon(self) -> None:
        """Forget them."""
        self._pieces.clear()


class Message(Collected):
    """A control message."""

    def finish(self) -> Any:
        """What it says."""
        return parse_message(self.headers.get("content-type", ""), super().finish())


class Acknowledgement(Collected):
    """The answer to an upload, which may say nothing."""

    def finish(self) -> Any:
        """What it says, or None."""
        body = super().finish()
        return parse_message(self.headers.get("content-type", ""), body) if body else None


class Filling:
    """Fills memory that is already there: targets one after the other, which the body must fill exactly."""

    def __init__(self, targets: Iterable[memoryview]) -> None:
        self._remaining = iter(targets)
        self._target = next(self._remaining, None)
        self._position = self._received = 0

    def write(self, piece: Any) -> None:
        """Copy a piece to where it belongs."""
        view = memoryview(piece).cast("B") if len(piece) else memoryview(b"")
        self._received += view.nbytes
        while view.nbytes:
            target = self._target
            if target is None:
                raise UnexpectedAnswer(
                    f"the answer is longer than the data that were asked for: {self._received} bytes came"
                )
            count = min(view.nbytes, target.nbytes - self._position)
            target[self._position : self._position + count] = view[:count]
            view, self._position = view[count:], self._position + count
            if self._position == target.nbytes:
                self._target, self._position = next(self._remaining, None), 0

    def rest(self) -> Iterator[memoryview]:
        """The memory that is still to be filled; who takes a part of it fills it before taking the next."""
        while self._target is not None:
            yield self._target[self._position :]
            self._received += self._target.nbytes - self._position
            self._target, self._position = next(self._remaining, None), 0

    def finish(self) -> None:
        """Check that nothing is missing."""
        if self._target is not None:
            raise UnexpectedAnswer(
                f"the answer is shorter than the data that were asked for: only {self._received} bytes came"
            )

    def abandon(self) -> None:
        """What has been filled is overwritten by the next attempt."""


class Decoding:
    """Undoes the content coding of a body on its way to a sink; httpx itself does not know all codings."""

    def __init__(self, sink: Sink[Any], decoders: Sequence[Decoder]) -> None:
        self.sink = sink
        self._decoders = decoders

    def write(self, piece: Any) -> None:
        """Decode a piece as far as that goes."""
        self._pass(piece, 0)

    def _pass(self, piece: Any, first: int) -> None:
        for decoder in self._decoders[first:]:
            piece = decoder.decompress(piece)
        if len(piece):
            self.sink.write(piece)

    def finish(self) -> Any:
        """Decode the rest."""
        for position, decoder in enumerate(self._decoders):
            self._pass(decoder.flush(), position + 1)
        return self.sink.finish()

    def abandon(self) -> None:
        """Nothing of it is wanted."""
        self.sink.abandon()
