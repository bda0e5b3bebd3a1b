"""The blocks in which images are served."""

from __future__ import annotations

import math

from tiled_tiff.layout import Layout
from tiledkernel.blocks import choose_chunk

MAX_FRAME = 32 << 20  # bytes; a larger page is divided
MAX_BLOCKS = 10_000


def choose_frame_chunk(layout: Layout) -> tuple[int, ...]:
    """One page at a time; whole rows of tiles of pages that are too large for that; several tiny pages together."""
    shape, frame = layout.shape, layout.frame
    ahead = len(shape) - len(frame)
    itemsize = layout.dtype.itemsize
    if ahead < 0 or shape[ahead:] != frame:
        return choose_chunk(shape, itemsize) if layout.plain is not None else tuple(max(1, length) for length in shape)
    chunk = [1] * ahead + [max(1, length) for length in frame]
    row_axis = ahead + max(0, layout.axes[ahead:].find("Y"))
    row = math.prod(chunk) // chunk[row_axis] * itemsize
    if math.prod(chunk) * itemsize > MAX_FRAME:
        rows = max(1, MAX_FRAME // row // layout.tile_rows) * layout.tile_rows
        chunk[row_axis] = min(chunk[row_axis], rows)
    for axis in reversed(range(ahead)):
        blocks = math.prod(-(-length // step) for length, step in zip(shape, chunk, strict=True))
        if blocks > MAX_BLOCKS:
            chunk[axis] = min(shape[axis], -(-blocks // MAX_BLOCKS))
    return tuple(chunk)
