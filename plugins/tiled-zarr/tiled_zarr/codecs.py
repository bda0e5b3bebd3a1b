"""Undo what was done to a chunk before it was written.

What is undone here are the codecs that nearly every store uses; the sizes that a chunk claims are checked before
anything is made of it, and half a chunk is an error, never numbers.
"""

from __future__ import annotations

import bz2
import lzma
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import google_crc32c
import numcodecs
import numpy as np
import zstandard
from msgspec import Struct
from numcodecs import blosc, lz4
from numpy.typing import NDArray

from tiled_zarr.elements import TEXT

MAX_TEXTS = 1 << 30  # bytes that one chunk of texts may take, whose size nothing declares
Buffer: TypeAlias = Any  # bytes, or whatever else has the buffer protocol
Undo: TypeAlias = Callable[[Buffer, int], Buffer]  # of the data and the number of bytes that it may become

_BLOSC_HEAD = struct.Struct("<BBBBIII")


class Damaged(Exception):
    """Bytes that are not what the metadata say."""


class Layout(Struct, frozen=True):
    """The elements of a chunk as they lie in memory once all codecs are undone: `axes` in their order, outermost first.

    `filters` work on arrays, and are undone last.
    """

    dtype: Any
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    undo: tuple[Undo, ...]
    filters: tuple[Any, ...] = ()

    @property
    def nbytes(self) -> int:
        """The size of a chunk in memory."""
        return math.prod(self.shape) * int(self.dtype.itemsize)

    @property
    def limit(self) -> int:
        """How many bytes a chunk, in whatever stage, may have: an incompressible one grows a little."""
        return MAX_TEXTS if self.dtype == TEXT else (16 if self.filters else 1) * (self.nbytes + 4096) * 9 // 8

    @property
    def is_plain(self) -> bool:
        """Whether the elements lie in C order, without filters."""
        return self.axes == tuple(range(len(self.shape))) and not self.filters and self.dtype != TEXT

    def decode(self, data: Buffer) -> NDArray[Any]:
        """The chunk, whole; Damaged if that cannot be had from `data`."""
        try:
            for undo in self.undo:
                data = undo(data, self.limit)
            return self._array(data)
        except Damaged:
            raise
        except Exception as error:  # codecs raise whatever they like
            raise Damaged(str(error) or type(error).__name__) from error

    def _array(self, data: Buffer) -> NDArray[Any]:
        for codec in self.filters:
            data = codec.decode(data)
        stored = tuple(self.shape[axis] for axis in self.axes)
        if self.dtype == TEXT:
            return np.asarray(data, object).reshape(stored).transpose(np.argsort(self.axes))
        flat = np.ascontiguousarray(data).reshape(-1) if isinstance(data, np.ndarray) else np.frombuffer(data, np.uint8)
        if flat.nbytes != self.nbytes:
            raise Damaged(f"it holds {flat.nbytes:_} bytes of elements where {self.nbytes:_} belong")
        elements = flat.view(self.dtype) if self.nbytes else np.empty(0, self.dtype)
        return elements.reshape(stored).transpose(np.argsort(self.axes))


def undo_gzip(data: Buffer, limit: int, wbits: int = 31) -> bytes:
    """Gzip members, one after the other; with `wbits` of 15 a zlib stream."""
    pieces: list[bytes] = []
    rest = memoryview(data)
    while True:
        stream = zlib.decompressobj(wbits)
        piece = stream.decompress(rest, limit + 1)
        limit -= len(piece)
        if limit < 0:
            raise Damaged("it is larger inside than its metadata say")
        if not stream.eof:
            raise Damaged("its compressed data end in the middle")
        pieces.append(piece)
        rest = memoryview(stream.unused_data)
        if not rest or wbits == 15:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def undo_zstd(data: Buffer, limit: int) -> bytes:
    """A Zstandard frame."""
    if zstandard.frame_content_size(data) > limit:  # -1 if it was written as a stream, without its size
        raise Damaged("it is larger inside than its metadata say")
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=max(1, limit), allow_extra_data=False)


def check_blosc(data: Buffer, limit: int) -> None:
    """Damaged unless a Blosc frame is as long as it says: the library itself would read on in foreign memory."""
    if len(data) < _BLOSC_HEAD.size:
        raise Damaged("its compressed data end in the middle")
    *_, size, _, stored = _BLOSC_HEAD.unpack_from(data)
    if stored != len(data):
        raise Damaged(f"its compressed data have {len(data):_} bytes where {stored:_} belong")
    if size > limit:
        raise Damaged("it is larger inside than its metadata say")


def undo_blosc(data: Buffer, limit: int) -> bytes:
    """A Blosc frame."""
    check_blosc(data, limit)
    found: bytes = blosc.decompress(data)
    return found


def undo_lz4(data: Buffer, limit: int) -> bytes:
    """A block of LZ4 after its size."""
    if len(data) < 4 or not 0 <= int.from_bytes(data[:4], "little") <= limit:
        raise Damaged("its compressed data end in the middle, or are too many")
    found: bytes = lz4.decompress(data)
    return found


def undo_bz2(data: Buffer, limit: int) -> bytes:
    """A bzip2 stream."""
    return _bounded(bz2.BZ2Decompressor(), data, limit)


def undo_lzma(data: Buffer, limit: int, *, form: int, filters: Any) -> bytes:
    """An LZMA stream."""
    return _bounded(lzma.LZMADecompressor(form, filters=filters), data, limit)


def _bounded(stream: Any, data: Buffer, limit: int) -> bytes:
    found: bytes = stream.decompress(data, limit + 1)
    if not stream.eof or len(found) > limit:
        raise Damaged("its compressed data end in the middle, or are too many")
    return found


def undo_crc32c(data: Buffer, limit: int) -> Buffer:
    """Bytes before their checksum; Damaged if that does not match."""
    del limit
    body, found = data[:-4], bytes(data[-4:])
    if google_crc32c.value(bytes(body)) != int.from_bytes(found, "little") or len(found) < 4:
        raise Damaged("its checksum does not match its bytes")
    return body


UNDO: Mapping[str, Undo] = {
    "blosc": undo_blosc,
    "bz2": undo_bz2,
    "crc32c": undo_crc32c,
    "gzip": undo_gzip,
    "lz4": undo_lz4,
    "zlib": partial(undo_gzip, wbits=15),
    "zstd": undo_zstd,
}


def undo_numcodec(configuration: Mapping[str, Any]) -> Undo:
    """How to undo a compressor of version 2; ValueError if none of this name is installed."""
    name = configuration["id"]
    if name in UNDO and name != "crc32c":
        return UNDO[name]
    if name == "lzma":
        known = {"form": configuration.get("format", lzma.FORMAT_XZ), "filters": configuration.get("filters")}
        if known["form"] != lzma.FORMAT_RAW:
            known["filters"] = None  # which a container of its own names itself
        return partial(undo_lzma, **known)
    codec = numcodecs.get_codec(dict(configuration))
    return lambda data, _limit: codec.decode(data)
