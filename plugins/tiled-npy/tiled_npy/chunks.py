"""The blocks in which arrays are served."""

from __future__ import annotations

import math

from tiled_npy.header import Header
from tiledkernel.blocks import choose_chunk
from tiledkernel.families.array.slabs import CEILING

TARGET = 4 << 20  # bytes of a block
MAX_FRAME = 32 << 20  # bytes; a file of a sequence is one block, unless it is larger
PACKED = 32 << 20  # bytes of a block of what must be decompressed from its beginning
RUN = 4 << 10  # bytes that lie together in the file; shorter pieces cost more to find than to read


def choose_npy_chunk(header: Header, target: int = TARGET) -> tuple[int, ...]:
    """A chunk shape that lies in one piece, or few, in the file.

    An array in Fortran order lies in columns but leaves in rows. So its blocks are parts of columns, in order that a
    row of blocks is little enough to be read at once.
    """
    shape, itemsize = header.shape, max(1, header.dtype.itemsize)
    if not header.fortran or not math.prod(shape):
        return choose_chunk(shape, itemsize, target)
    rows = max(CEILING // (math.prod(shape[1:]) * itemsize), RUN // itemsize, 1)
    return choose_chunk((*shape[:0:-1], min(shape[0], rows)), itemsize, target)[::-1]
