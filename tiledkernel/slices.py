"""Slices: their text form on the wire, and what they select from a given shape.

The grammar is numpy's basic indexing without `...` and `None`:

    slice := part ("," part)*        an empty text selects everything
    part  := int | [int] ":" [int] [":" [int]]

A reader never sees negative numbers or backward steps: it gets a `Cut`, whose `index` runs forward inside
the shape; axes that were asked for backwards are flipped afterwards by the kernel.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from types import EllipsisType
from typing import TypeAlias

from msgspec import Struct

from tiledkernel.errors import BadRequest, SliceOutOfRange, Unprocessable

Part: TypeAlias = int | slice
NDSlice: TypeAlias = tuple[Part, ...]

MAX_TEXT = 1000  # characters; numpy allows 64 dimensions, each part is far below 15 characters
_PART = r"(?:(?:-?\d{1,19})?:){0,2}(?:-?\d{1,19})?"
_GRAMMAR = re.compile(f"{_PART}(?:,{_PART})*", re.ASCII)


class Cut(Struct, frozen=True):
    """What a slice selects from an array of a given shape.

    `index` has one entry per axis: an int in [0, n) or a forward slice with 0 <= start <= stop <= n.
    `flipped` names the axes of the *result* that were asked for backwards; `shape` is the shape of the result.
    """

    index: NDSlice
    shape: tuple[int, ...]
    flipped: tuple[int, ...] = ()
    whole: bool = False

    @property
    def size(self) -> int:
        """Number of elements in the result."""
        return math.prod(self.shape)


@lru_cache(maxsize=1024)
def parse_slice(text: str) -> NDSlice:
    """The slice written in `text`; raises Unprocessable or BadRequest with a sentence."""
    if not text:
        return ()
    if len(text) > MAX_TEXT or not _GRAMMAR.fullmatch(text):
        raise Unprocessable(
            f"slice {_shorten(text)!r} is not understood: expected integers and start:stop:step "
            "separated by commas, such as '0,:10,::2'",
            "query", "slice", value=_shorten(text), kind="string_pattern_mismatch",
        )  # fmt: skip
    return tuple(_parse_part(part, text) for part in text.split(","))


def _parse_part(part: str, text: str) -> Part:
    if not part:
        raise BadRequest(f"slice {text!r} has an empty part: write ':' to select a whole axis")
    numbers = [int(number) if number else None for number in part.split(":")]
    if len(numbers) == 1:
        assert numbers[0] is not None
        return numbers[0]
    if len(numbers) == 3 and numbers[2] == 0:
        raise BadRequest(f"slice {text!r} has a step of 0: a step is a positive or negative number")
    return slice(*numbers)


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def format_slice(parts: Sequence[Part]) -> str:
    """The text form of a slice without `...`; the inverse of `parse_slice`."""
    return ",".join(_format_part(part) for part in parts)


def _format_part(part: Part) -> str:
    if isinstance(part, int):
        return str(part)
    start = "" if part.start is None else str(part.start)
    stop = "" if part.stop is None else str(part.stop)
    return f"{start}:{stop}" if part.step is None else f"{start}:{stop}:{part.step}"


def expand_ellipsis(parts: Sequence[Part | EllipsisType], ndim: int) -> NDSlice:
    """Replace `...` by as many full slices as an array of `ndim` axes needs; IndexError if there are two."""
    where = [position for position, part in enumerate(parts) if part is ...]
    if len(where) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if not where:
        return tuple(part for part in parts if part is not ...)
    before, after = parts[: where[0]], parts[where[0] + 1 :]
    filling = (slice(None),) * max(0, ndim - len(before) - len(after))
    return tuple(part for part in (*before, *filling, *after) if part is not ...)


def cut_shape(parts: NDSlice, shape: tuple[int, ...]) -> Cut:
    """What `parts` selects from `shape`; SliceOutOfRange (400) where numpy would raise IndexError."""
    if not parts:
        return Cut(tuple(slice(0, n, 1) for n in shape), shape, whole=True)
    if len(parts) > len(shape):
        raise SliceOutOfRange(
            f"slice {format_slice(parts)!r} has {len(parts)} parts, but the array has {len(shape)} dimensions"
        )
    index: list[Part] = []
    result: list[int] = []
    flipped: list[int] = []
    whole = True
    for axis, length in enumerate(shape):
        part = parts[axis] if axis < len(parts) else slice(None)
        if isinstance(part, int):
            index.append(_checked_int(part, length, axis))
            whole = False
            continue
        selected = range(*part.indices(length))
        if part.step is not None and part.step < 0:
            selected = selected[::-1]
            if len(selected) > 1:
                flipped.append(len(result))
        count = len(selected)
        forward = slice(selected[0], selected[-1] + 1, selected.step if count > 1 else 1) if count else slice(0, 0, 1)
        whole = whole and count == length
        index.append(forward)
        result.append(count)
    return Cut(tuple(index), tuple(result), tuple(flipped), whole and not flipped)


def _checked_int(position: int, length: int, axis: int) -> int:
    if not -length <= position < length:
        raise SliceOutOfRange(f"index {position} is out of bounds for axis {axis} with size {length}")
    return position % length
