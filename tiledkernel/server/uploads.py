"""The data that a request brings: received on the event loop, held in memory if they are few, else in a file."""

from __future__ import annotations

import mmap
import tempfile
from typing import IO, Any

from tiledkernel.errors import BadRequest, Unprocessable, UnsupportedMediaType
from tiledkernel.server.exchange import Exchange
from tiledkernel.server.threads import Threads

IN_MEMORY = 16 << 20  # bytes; more than that go to a file
SPILLED = 4 << 20  # bytes that are gathered before they are written there


class Upload:
    """A complete body: `data` is its bytes, `media_type` what its sender calls it, without parameters."""

    def __init__(self, media_type: str, data: memoryview, file: IO[bytes] | None = None) -> None:
        self.media_type = media_type
        self.data = data
        self._file = file

    def require(self, *media_types: str) -> str:
        """The media type; UnsupportedMediaType unless it is one of these, or nobody said."""
        if self.media_type and self.media_type not in media_types:
            raise UnsupportedMediaType(
                f"data as {self.media_type!r} are not taken here: send {' or '.join(media_types)}"
            )
        return self.media_type or media_types[0]

    def close(self) -> None:
        """Let the bytes go; those who still look at some of them keep these."""
        self.data = memoryview(b"")
        if self._file is not None:
            self._file.close()


async def receive_upload(receive: Any, exchange: Exchange, limit: int, threads: Threads) -> Upload:
    """All of a body of at most `limit` bytes; Unprocessable as soon as it is clear that there are more."""
    headers = exchange.headers
    check_plain(exchange)
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    announced = headers.get(b"content-length", b"")
    length = int(announced) if announced.isdigit() else None
    if length is not None:
        _check_size(length, limit)
    receiver = _Receiver(limit, threads)
    try:
        more = True
        while more:
            message = await receive()
            _check_presence(message)
            if piece := message.get("body", b""):
                await receiver.add(piece, length)
            more = message.get("more_body", False)
        return await receiver.finish(media_type)
    except BaseException:
        receiver.abandon()
        raise


def check_plain(exchange: Exchange) -> None:
    """UnsupportedMediaType if a body comes compressed: a small one could become large."""
    coding = exchange.headers.get(b"content-encoding", b"").strip().lower()
    if coding not in (b"", b"identity"):
        raise UnsupportedMediaType(
            f"a body with the content coding {coding.decode('latin-1')[:80]!r} is not taken: send it plain"
        )


def _check_presence(message: Any) -> None:
    if message["type"] == "http.disconnect":
        raise BadRequest("the request ended before its body did")


def _check_size(length: int, limit: int) -> None:
    if length > limit:
        raise Unprocessable(f"the body has {length} bytes, and at most {limit} belong here", "body", value=length)


class _Receiver:
    """Where the pieces of a body gather."""

    def __init__(self, limit: int, threads: Threads) -> None:
        self._limit = limit
        self._threads = threads
        self._buffer = bytearray()
        self._size = 0
        self._file: IO[bytes] | None = None

    async def add(self, piece: bytes, length: int | None) -> None:
        """Take the next piece of a body of `length` bytes, if that is known."""
        self._size += len(piece)
        _check_size(self._size, self._limit if length is None else min(length, self._limit))
        self._buffer += piece
        if self._file is None and max(self._size, length or 0) > IN_MEMORY:
            self._file = await self._threads.run(tempfile.TemporaryFile)
        if self._file is not None and len(self._buffer) >= SPILLED:
            await self._spill(self._file)

    async def _spill(self, file: IO[bytes]) -> None:
        full, self._buffer = self._buffer, bytearray()
        await self._threads.run(file.write, full)

    async def finish(self, media_type: str) -> Upload:
        """The whole body."""
        if self._file is None:
            return Upload(media_type, memoryview(self._buffer))
        await self._spill(self._file)
        return Upload(media_type, await self._threads.run(_mapped, self._file), self._file)

    def abandon(self) -> None:
        """Let go of what has come."""
        if self._file is not None:
            self._file.close()


def _mapped(file: IO[bytes]) -> memoryview:
    file.flush()
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
