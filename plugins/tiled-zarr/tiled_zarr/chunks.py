"""Grids: which chunks a cut touches, and in which blocks an array is served."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

from tiledkernel.blocks import choose_chunk
from tiledkernel.slices import Cut, Part

MAX_BLOCKS = 10_000
MAX_BLOCK = 64 << 20  # bytes
Index: TypeAlias = tuple[int, ...]


class Touched(Struct, frozen=True):
    """A chunk of which a cut wants something: what, and where in the result that goes."""

    index: Index
    inside: tuple[Part, ...]
    place: tuple[slice, ...]


def touched(cut: Cut, chunk: tuple[int, ...]) -> Iterator[Touched]:
    """The chunks of a regular grid that a cut touches, in C order."""
    axes = [list(_along_axis(part, step)) for part, step in zip(cut.index, chunk, strict=True)]
    for parts in itertools.product(*axes):
        yield Touched(
            tuple(part[0] for part in parts),
            tuple(part[1] for part in parts),
            tuple(part[2] for part in parts if part[2] is not None),
        )


def _along_axis(part: Part, step: int) -> Iterator[tuple[int, Part, slice | None]]:
    if isinstance(part, int):
        yield part // step, part % step, None
        return
    selected = range(part.start, part.stop, part.step)
    done = 0
    while done < len(selected):
        number = selected[done] // step
        start = number * step
        count = -(-(min(part.stop, start + step) - selected[done]) // part.step)
        first = selected[done] - start
        last = selected[done + count - 1] - start
        yield number, slice(first, last + 1, part.step), slice(done, done + count)
        done += count


def count_touched(cut: Cut, chunk: tuple[int, ...]) -> int:
    """How many chunks a cut touches, at most; found without looking at each."""
    count = 1
    for part, step in zip(cut.index, chunk, strict=True):
        if isinstance(part, slice):
            selected = range(part.start, part.stop, part.step)
            count *= min(len(selected), selected[-1] // step - selected[0] // step + 1) if selected else 0
    return count


def covers(part: tuple[Part, ...], chunk: tuple[int, ...]) -> bool:
    """Whether a part of a chunk is all of it."""
    return all(inside == slice(0, length, 1) for inside, length in zip(part, chunk, strict=True))


def choose_grid(shape: tuple[int, ...], stored: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """A block shape: that of the chunks, or whole multiples of it where there would be too many blocks.

    Chunks that are too large to be sent at once are divided. Later axes grow first.
    """
    if math.prod(stored) * itemsize > MAX_BLOCK:
        stored = choose_chunk(tuple(map(min, stored, (max(1, length) for length in shape))), itemsize)
    chunk = [min(step, max(1, length)) for step, length in zip(stored, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        counts = [-(-length // step) for length, step in zip(shape, chunk, strict=True)]
        excess = -(-math.prod(counts) // MAX_BLOCKS)
        if excess <= 1:
            break
        chunk[axis] = min(shape[axis], chunk[axis] * min(excess, counts[axis]))
    return tuple(chunk)
