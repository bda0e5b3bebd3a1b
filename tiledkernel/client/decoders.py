"""Content codings that answers may come in; each is loaded when the first answer uses it."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from tiledkernel import references
from tiledkernel.client.messages import UnexpectedAnswer

ACCEPT_ENCODING = "gzip, deflate, zstd"
BLOSC2 = "blosc2"
WORTH_BLOSC2 = 16 << 20  # bytes; below, loading the library costs more time than it saves

_DECODERS = {
    "gzip": "tiledkernel.client.decoders:gzip",
    "x-gzip": "tiledkernel.client.decoders:gzip",
    "deflate": "tiledkernel.client.decoders:Deflate",
    "zstd": "tiledkernel.client.zstd:decoder",
    BLOSC2: "tiledkernel.client.blosc2_frames:Decoder",
}


class Decoder(Protocol):
    """Turns the pieces of a coded body into pieces of the body."""

    def decompress(self, data: bytes) -> Any:
        """What is ready after `data`, bytes-like."""

    def flush(self) -> Any:
        """The rest."""


def accept_encoding(size: int | None = None) -> str:
    """The codings to offer for a body of data whose decoded size may be known."""
    return f"{ACCEPT_ENCODING}, {BLOSC2}" if _blosc2_pays(size) else ACCEPT_ENCODING


def _blosc2_pays(size: int | None) -> bool:
    return BLOSC2 in sys.modules or (size is not None and size >= WORTH_BLOSC2 and _blosc2_installed())


@cache
def _blosc2_installed() -> bool:
    return references.installed(BLOSC2)


def decoders_of(content_encoding: str) -> list[Decoder]:
    """The decoders for a `Content-Encoding` header, in the order in which they apply."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    decoders: list[Decoder] = []
    for name in reversed([name for name in names if name not in ("", "identity")]):
        if name not in _DECODERS:
            raise UnexpectedAnswer(f"the server used the content coding {name!r}, which was not offered")
        decoders.append(Checked(name, references.load(_DECODERS[name])()))
    return decoders


class Checked:
    """A decoder whose complaints say that it is the body which is wrong."""

    def __init__(self, coding: str, decoder: Decoder) -> None:
        self._coding = coding
        self._decoder = decoder

    def decompress(self, data: Any) -> Any:
        """What is ready after `data`."""
        try:
            return self._decoder.decompress(data)
        except Exception as error:
            raise self._complaint(error) from error

    def flush(self) -> Any:
        """The rest; UnexpectedAnswer if something is missing."""
        try:
            return self._decoder.flush()
        except Exception as error:
            raise self._complaint(error) from error

    def _complaint(self, error: Exception) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"the body of the answer is no valid {self._coding}: {error}")


class Member(Protocol):
    """One compressed stream, as the standard library and others decode it."""

    @property
    def eof(self) -> bool:
        """Whether it has ended."""

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""

    def decompress(self, data: Any) -> bytes:
        """What is ready after `data`."""


class Members:
    """One compressed stream after another, each of which must be whole; no stream at all is an empty body."""

    def __init__(self, begin: Callable[[], Member]) -> None:
        self._begin = begin
        self._member: Member | None = None

    def decompress(self, data: Any) -> bytes:
        """What is ready after `data`."""
        ready = []
        while len(data):
            if self._member is None:
                self._member = self._begin()
            ready.append(self._member.decompress(data))
            data = b""
            if self._member.eof:
                data, self._member = self._member.unused_data, None
        return ready[0] if len(ready) == 1 else b"".join(ready)

    def flush(self) -> bytes:
        """Nothing; a stream that has not ended is an error."""
        if self._member is not None:
            raise ValueError("it ends too early")
        return b""


def gzip() -> Members:
    """A decoder of gzip."""
    return Members(lambda: zlib.decompressobj(zlib.MAX_WBITS | 16))


class Deflate:
    """A zlib stream, or a bare deflate stream, which some servers send instead."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._begun = b""

    def decompress(self, data: Any) -> bytes:
        """What is ready after `data`."""
        if self._stream is None:
            self._begun += data
            if len(self._begun) < 2:
                return b""
            data = self._begun
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if _begins_zlib(data) else -zlib.MAX_WBITS)
        ready: bytes = self._stream.decompress(data)
        if self._stream.unused_data:
            raise ValueError("something follows its end")
        return ready

    def flush(self) -> bytes:
        """Nothing; a stream that has not ended is an error."""
        if self._begun and (self._stream is None or not self._stream.eof):
            raise ValueError("it ends too early")
        return b""


def _begins_zlib(data: bytes) -> bool:
    """Whether these are the first bytes of the zlib format (RFC 1950, section 2.2)."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
