"""What a user's index selects from an array, and in which pieces it is fetched. No I/O happens here."""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from types import EllipsisType
from typing import Any

from msgspec import Struct

from tiledkernel.blocks import block_bounds
from tiledkernel.errors import SliceOutOfRange, Unprocessable
from tiledkernel.slices import Cut, NDSlice, Part, cut_shape, expand_ellipsis, format_slice

MAX_PIECE = 100 << 20  # bytes that one request fetches, if chunk boundaries allow

Box = tuple[tuple[int, int], ...]  # begin and end along each axis of a result


class Piece(Struct, frozen=True):
    """A part of a selection: `index` says what to ask for, `target` where it belongs in the result."""

    index: NDSlice
    target: tuple[slice, ...]
    shape: tuple[int, ...]


def cut_index(index: Any, shape: tuple[int, ...]) -> Cut:
    """What `array[index]` selects; IndexError for what basic indexing does not know or lies outside."""
    try:
        return cut_shape(checked_index(index, len(shape)), shape)
    except SliceOutOfRange as error:
        raise IndexError(str(error)) from None


def cut_block(
    block: int | Sequence[int], index: Any, chunks: tuple[tuple[int, ...], ...]
) -> tuple[tuple[int, ...], Cut, str]:
    """The index of a chunk, what `chunk[index]` selects in it, and that as the text of a slice; or IndexError."""
    where = (block,) if isinstance(block, int) else tuple(block)
    if min(where, default=0) < 0:
        raise IndexError(f"no block {where}: the indices of blocks begin at 0")
    try:
        bounds = block_bounds(where, chunks)
    except Unprocessable as error:
        raise IndexError(str(error)) from None
    shape = tuple(bound.stop - bound.start for bound in bounds)
    cut = cut_index(... if index is None else index, shape)
    return where, cut, format_slice(short_index(cut.index, shape))


def checked_index(index: Any, ndim: int) -> NDSlice:
    """An index of an array of `ndim` dimensions without `...`; IndexError for what basic indexing does not know."""
    parts = index if isinstance(index, tuple) else (index,)
    checked = expand_ellipsis([_checked_part(part) for part in parts], ndim)
    if len(checked) > ndim:
        raise IndexError(f"too many indices: the array has {ndim} dimensions, but {len(checked)} were indexed")
    return checked


def _checked_part(part: Any) -> Part | EllipsisType:
    if part is Ellipsis:
        return ...
    if isinstance(part, slice):
        start, stop, step = (None if bound is None else _integer(bound) for bound in (part.start, part.stop, part.step))
        if step == 0:
            raise ValueError("slice step cannot be zero")
        return slice(start, stop, step)
    return _integer(part)


def _integer(value: Any) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError  # noqa: TRY301 - True is no position, although Python takes it for 1
        return operator.index(value)
    except TypeError:
        raise IndexError(
            f"{reprlib.repr(value)} cannot be sent to the server as an index: expected integers, slices and '...'; "
            "to select with lists, masks or new axes, read first: x.read()[...]"
        ) from None


def divide(cut: Cut, chunks: Sequence[Sequence[int]], itemsize: int, limit: int) -> list[Piece]:
    """The pieces in which to fetch a selection: one if it is small, else divided along the array's chunks."""
    if not cut.shape or cut.size * itemsize <= limit:
        whole = Piece(cut.index, tuple(slice(0, n) for n in cut.shape), cut.shape)
        return [whole] if cut.size else []
    kept = [axis for axis, part in enumerate(cut.index) if isinstance(part, slice)]
    bounds = [_boundaries(part, chunks[axis]) for axis in kept if isinstance(part := cut.index[axis], slice)]
    boxes = _pack(tuple((0, n) for n in cut.shape), bounds, itemsize, limit)
    return [_piece_of(cut, kept, box) for box in boxes]


def _boundaries(selected: slice, lengths: Sequence[int]) -> list[int]:
    """The positions in the result, between its ends, at which a chunk begins."""
    count = len(range(selected.start, selected.stop, selected.step))
    begins = (-(-(offset - selected.start) // selected.step) for offset in accumulate(lengths))
    return sorted({position for position in begins if 0 < position < count})


def _pack(box: Box, bounds: Sequence[Sequence[int]], itemsize: int, limit: int) -> Iterator[Box]:
    """Cut a box at chunk boundaries into as few parts within the limit as that allows; first axes first.

    A part that holds a single chunk may be larger than the limit: chunks are not cut.
    """
    size = itemsize * math.prod(end - begin for begin, end in box)
    if size > limit:
        for axis, (begin, end) in enumerate(box):
            cuts = [begin, *(position for position in bounds[axis] if begin < position < end), end]
            if len(cuts) > 2:
                for first, last in _group(cuts, size // (end - begin), limit):
                    yield from _pack((*box[:axis], (first, last), *box[axis + 1 :]), bounds, itemsize, limit)
                return
    yield box


def _group(cuts: Sequence[int], step: int, limit: int) -> list[tuple[int, int]]:
    """Neighbouring intervals between cuts, joined to as few as the limit allows, and those of about equal size.

    `step` is the size of a part of length one.
    """
    fewest = _join(cuts, limit // step)
    even = -(-(cuts[-1] - cuts[0]) // len(fewest)) + max(map(operator.sub, cuts[1:], cuts))
    balanced = _join(cuts, min(limit // step, even))
    return balanced if len(balanced) == len(fewest) else fewest


def _join(cuts: Sequence[int], longest: int) -> list[tuple[int, int]]:
    groups = [(cuts[0], cuts[1])]
    for begin, end in pairwise(cuts[1:]):
        first = groups[-1][0]
        if end - first <= longest:
            groups[-1] = (first, end)
        else:
            groups.append((begin, end))
    return groups


def _piece_of(cut: Cut, kept: Sequence[int], box: Box) -> Piece:
    index: list[Part] = list(cut.index)
    for axis, (begin, end) in zip(kept, box, strict=True):
        part = cut.index[axis]
        assert isinstance(part, slice)
        start = part.start + begin * part.step
        index[axis] = slice(start, part.start + (end - 1) * part.step + 1, part.step)
    return Piece(tuple(index), tuple(slice(*pair) for pair in box), tuple(end - begin for begin, end in box))


def short_index(index: NDSlice, shape: tuple[int, ...]) -> NDSlice:
    """The index without what need not be said: steps of one, and whole axes at the end."""
    parts: list[Part] = [
        part if isinstance(part, int) else slice(part.start, part.stop, None if part.step == 1 else part.step)
        for part in index
    ]
    while parts and parts[-1] == slice(0, shape[len(parts) - 1], None):
        parts.pop()
    return tuple(parts)


def directed_index(cut: Cut, shape: tuple[int, ...]) -> NDSlice:
    """The index of a cut with its backward axes backward again, for a server that is to flip them."""
    index: list[Part] = list(cut.index)
    kept = [axis for axis, part in enumerate(index) if isinstance(part, slice)]
    for axis in (kept[position] for position in cut.flipped):
        part = index[axis]
        assert isinstance(part, slice)
        selected = range(part.start, part.stop, part.step)[::-1]
        stop = selected.stop if selected.stop >= 0 else None
        index[axis] = slice(selected.start, stop, selected.step)
    return short_index(tuple(index), shape)
