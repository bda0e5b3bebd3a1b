"""The grid of blocks in which a dataset is served."""

from __future__ import annotations

import math

from tiledkernel.blocks import choose_chunk

MAX_BLOCKS = 10_000
MAX_BLOCK = 64 << 20  # bytes, once elements are as wide as they are served


def choose_grid(shape: tuple[int, ...], stored: tuple[int, ...] | None, itemsize: int) -> tuple[int, ...]:
    """A chunk shape: the stored one, or whole multiples of it where there would be too many blocks.

    Tiny chunks are common, and a description that lists millions of them helps nobody. Later axes grow first, so that
    what lies together in the file stays together.
    """
    if stored is None or math.prod(stored) * itemsize > MAX_BLOCK:
        stored = choose_chunk(shape, itemsize)
    chunk = [min(step, max(1, length)) for step, length in zip(stored, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        counts = [-(-length // step) for length, step in zip(shape, chunk, strict=True)]
        excess = -(-math.prod(counts) // MAX_BLOCKS)
        if excess <= 1:
            break
        chunk[axis] = min(shape[axis], chunk[axis] * min(excess, counts[axis]))
    return tuple(chunk)
