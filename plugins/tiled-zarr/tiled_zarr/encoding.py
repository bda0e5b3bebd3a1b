"""Make bytes of a chunk: Zstandard and nothing else, so that it can leave the server as it rests."""

from __future__ import annotations

from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

CODING = "zstd"
LEVEL = 1
_PLAIN = -1  # a level at which what does not compress is laid into its frame as it is
_PROBES = 4
_PROBE = 16 << 10  # bytes
_WORTHWHILE = 0.9  # of its size, what is left of data that are worth compressing


def encode_chunk(chunk: NDArray[Any]) -> bytes:
    """A frame with a checksum; noise lies in it uncompressed, which makes it many times faster to write and to read."""
    data = np.ascontiguousarray(chunk).reshape(-1).view(np.uint8)
    level = LEVEL if _compresses(data) else _PLAIN
    return zstandard.ZstdCompressor(level=level, write_checksum=True).compress(data)  # type: ignore[arg-type]  # an array is a buffer


def _compresses(data: NDArray[np.uint8]) -> bool:
    """Whether a few samples do; what is small is not worth the question."""
    if data.nbytes <= _PROBES * _PROBE:
        return True
    step = (data.nbytes - _PROBE) // (_PROBES - 1)
    sample = np.concatenate([data[start : start + _PROBE] for start in range(0, step * _PROBES, step)])
    return len(zstandard.ZstdCompressor(level=LEVEL).compress(sample)) < sample.nbytes * _WORTHWHILE  # type: ignore[arg-type]  # as above
