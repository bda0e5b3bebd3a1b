"""Content codings that answers may come in; each is loaded when the first answer uses it."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

from tiledkernel import references

ACCEPT_ENCODING = "gzip, deflate, zstd"
BLOSC2 = "blosc2"
WORTH_BLOSC2 = 16 << 20  # bytes; below, loading the library costs more time than it saves

_DECODERS = {
    "gzip": "tiledkernel.client.decoders:Gzip",
    "x-gzip": "tiledkernel.client.decoders:Gzip",
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
            raise ValueError(f"the server used the content coding {name!r}, which was not offered")
        decoders.append(references.load(_DECODERS[name])())
    return decoders


def decode(pieces: Iterator[Any], content_encoding: str) -> Iterator[Any]:
    """The pieces of a body, decoded."""
    for decoder in decoders_of(content_encoding):
        pieces = _decode_with(decoder, pieces)
    return pieces


def _decode_with(decoder: Decoder, pieces: Iterator[Any]) -> Iterator[Any]:
    for piece in pieces:
        if data := decoder.decompress(piece):
            yield data
    if data := decoder.flush():
        yield data


class Gzip:
    """One gzip member after another."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def decompress(self, data: bytes) -> bytes:
        """What is ready after `data`."""
        ready = self._member.decompress(data)
        while self._member.eof and self._member.unused_data:
            rest, self._member = self._member.unused_data, zlib.decompressobj(zlib.MAX_WBITS | 16)
            ready += self._member.decompress(rest)
        return ready

    def flush(self) -> bytes:
        """The rest."""
        return self._member.flush()


class Deflate:
    """A zlib stream, or a bare deflate stream, which some servers send instead."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()
        self._first = True

    def decompress(self, data: bytes) -> bytes:
        """What is ready after `data`."""
        first, self._first = self._first, False
        try:
            return self._stream.decompress(data)
        except zlib.error:
            if not first:
                raise
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._stream.decompress(data)

    def flush(self) -> bytes:
        """The rest."""
        return self._stream.flush()
