"""Shards: files in which many chunks lie, with an index of where."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiled_zarr.codecs import Damaged, Layout, undo_crc32c
from tiled_zarr.folders import StoreFolder

_NOT_THERE = (1 << 64) - 1
MAX_CHUNKS = 1 << 24


class Shard(Struct, frozen=True):
    """How the chunks of `layout` lie in a file: `counts` of them along each axis."""

    layout: Layout
    counts: tuple[int, ...]
    index_order: str  # '<' or '>'
    checked: bool  # whether a checksum follows the index
    at_end: bool

    def __post_init__(self) -> None:
        """Raise ValueError if the index would be larger than can be meant."""
        if math.prod(self.counts) > MAX_CHUNKS:
            raise ValueError(f"{self.counts} chunks in one shard are more than can be meant")

    def read_index(self, folder: StoreFolder, key: str) -> NDArray[np.uint64] | None:
        """Offset and size of each chunk; None if there is no such file."""
        size = math.prod(self.counts) * 16 + (4 if self.checked else 0)
        raw = folder.read_part(key, -size, None) if self.at_end else folder.read_part(key, 0, size)
        if raw is None:
            return None
        if len(raw) != size:
            raise Damaged("it is shorter than its index")
        index = undo_crc32c(raw, size) if self.checked else raw
        return np.frombuffer(index, f"{self.index_order}u8").astype("u8").reshape(*self.counts, 2)

    def read(self, folder: StoreFolder, key: str, place: NDArray[np.uint64]) -> bytes | None:
        """The bytes of the chunk that lies at `place`; None if nobody wrote it."""
        offset, size = (int(number) for number in place)
        if offset == size == _NOT_THERE:
            return None
        if size > self.layout.limit or offset >= 1 << 62:
            raise Damaged("its index leads nowhere")
        raw = folder.read_part(key, offset, offset + size)
        if raw is None or len(raw) != size:
            raise Damaged("it ends in the middle of a chunk")
        return raw
