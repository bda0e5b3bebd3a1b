"""Divide a selection into pieces that can be read and sent one after the other.

Pieces end where chunks end as long as that keeps them below a ceiling: a chunk that is stored compressed, or made on
demand, should not be made twice because it lies in two pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from tiledkernel.blocks import Chunks
from tiledkernel.slices import Cut

TARGET = 4 << 20  # bytes
CEILING = 32 << 20  # bytes; whole rows of chunks up to this size are one piece


def slabs(cut: Cut, chunks: Chunks, itemsize: int, target: int = TARGET, ceiling: int = CEILING) -> Iterator[Cut]:
    """Cuts of about `target` bytes that together, in C order, make up `cut`."""
    size = max(1, target // max(1, itemsize))
    for piece in _rows_of_chunks(cut, chunks, size):
        yield from divide(piece, size) if piece.size * itemsize > ceiling else (piece,)


def _rows_of_chunks(cut: Cut, chunks: Chunks, size: int) -> Iterator[Cut]:
    """Pieces of at least `size` elements that end at chunk boundaries of the leading axis."""
    leading = next((position for position, length in enumerate(cut.shape) if length > 1), None)
    if cut.size <= size or leading is None or leading in cut.flipped:
        yield cut
        return
    source = _source_axis(cut, leading)
    part = cut.index[source]
    assert isinstance(part, slice)
    row = cut.size // cut.shape[leading]
    start = 0
    for edge in accumulate(chunks[source]):
        stop = min(cut.shape[leading], -(-(edge - part.start) // part.step))  # rows that lie before this edge
        if (stop - start) * row >= size or (stop == cut.shape[leading] > start):
            yield narrow(cut, leading, start, stop)
            start = stop


def divide(cut: Cut, size: int) -> Iterator[Cut]:
    """Cuts of at most about `size` elements that together, in C order, make up `cut`."""
    if cut.size <= size or not cut.shape:
        yield cut
        return
    axis = next(position for position, length in enumerate(cut.shape) if length > 1)
    length = cut.shape[axis]
    step = max(1, min(length, size * length // cut.size))
    for start in range(0, length, step):
        yield from divide(narrow(cut, axis, start, min(start + step, length)), size)


def narrow(cut: Cut, axis: int, start: int, stop: int) -> Cut:
    """`cut` with only [start, stop) along one axis of its result."""
    source = _source_axis(cut, axis)
    part = cut.index[source]
    assert isinstance(part, slice)
    if axis in cut.flipped:  # the result runs backwards along this axis
        start, stop = cut.shape[axis] - stop, cut.shape[axis] - start
    selected = range(part.start, part.stop, part.step)[start:stop]
    index = list(cut.index)
    index[source] = slice(selected[0], selected[-1] + 1, part.step)
    shape = (*cut.shape[:axis], stop - start, *cut.shape[axis + 1 :])
    return Cut(tuple(index), shape, cut.flipped)


def _source_axis(cut: Cut, axis: int) -> int:
    """The axis of the array that became `axis` of the result."""
    return [position for position, part in enumerate(cut.index) if isinstance(part, slice)][axis]
