"""The kernel's own content codings: zstd and gzip."""

from __future__ import annotations

import gzip
import threading
import zlib
from typing import Any

import zstandard

ZSTD_LEVEL = 3
GZIP_LEVEL = 1


_of_thread = threading.local()  # a compressor is costly to make, and not for two threads at once


def compress_zstd(data: Any, itemsize: int) -> bytes:
    """One zstd frame."""
    del itemsize
    compressor = getattr(_of_thread, "zstd", None)
    if compressor is None:
        compressor = _of_thread.zstd = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    compressed: bytes = compressor.compress(data)
    return compressed


def compress_gzip(data: Any, itemsize: int) -> bytes:
    """One gzip member; without a time stamp, so that equal data give equal bytes."""
    del itemsize
    return gzip.compress(data, GZIP_LEVEL, mtime=0)


class ZstdStream:
    """One zstd frame, made piece by piece."""

    def __init__(self, itemsize: int) -> None:
        del itemsize
        self._compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()

    def add(self, data: Any) -> bytes:
        """What is ready after `data`."""
        return self._compressor.compress(data)

    def finish(self) -> bytes:
        """The rest."""
        return self._compressor.flush()


class GzipStream:
    """One gzip member, made piece by piece."""

    def __init__(self, itemsize: int) -> None:
        del itemsize
        self._compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)

    def add(self, data: Any) -> bytes:
        """What is ready after `data`."""
        return self._compressor.compress(data)

    def finish(self) -> bytes:
        """The rest."""
        return self._compressor.flush()
