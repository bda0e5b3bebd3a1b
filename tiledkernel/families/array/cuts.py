"""What a request asks for of something with a shape: the parameters `slice`, `block` and `expected_shape`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from tiledkernel.blocks import Block, Chunks, block_bounds, parse_block
from tiledkernel.errors import Conflict, SliceOutOfRange, Unprocessable
from tiledkernel.slices import Cut, Part, cut_shape, parse_slice

_SHAPE = re.compile(r"scalar|[0-9]{1,18}(?:,[0-9]{1,18}){0,63}", re.ASCII)


REMEMBERED = 4096  # blocks

# Blocks found lately. A grid is told by its identity, since comparing thousands of lengths would cost more than
# finding the block anew; it is kept here, so that its identity is not given to another.
_known: dict[tuple[int, BlockQuery], tuple[Chunks, tuple[Block, Cut]]] = {}


class FullQuery(Struct, frozen=True, kw_only=True):
    """Parameters of an array read."""

    slice: str = ""
    expected_shape: str | None = None
    format: str | None = None
    filename: str | None = None


class BlockQuery(FullQuery, frozen=True, kw_only=True):
    """Parameters of a block read; `slice` applies within the block."""

    block: str


def cut_of_full(query: FullQuery, shape: tuple[int, ...]) -> Cut:
    """What is asked for of an array of `shape`; Unprocessable if it has not the expected shape."""
    cut = cut_shape(parse_slice(query.slice), shape)
    _check_shape(cut, query.expected_shape)
    return cut


def cut_of_block(query: BlockQuery, chunks: Chunks) -> tuple[Block, Cut]:
    """The block that is asked for, and the cut of the whole array that it, or a slice of it, stands for."""
    key = id(chunks), query
    known = _known.get(key)
    if known is not None and known[0] is chunks:
        return known[1]
    found = _find_block(query, chunks)
    if len(_known) >= REMEMBERED:
        _known.clear()
    _known[key] = chunks, found
    return found


def _find_block(query: BlockQuery, chunks: Chunks) -> tuple[Block, Cut]:
    block = parse_block(query.block)
    bounds = block_bounds(block, chunks)
    cut = _within(bounds, query.slice) if query.slice else Cut(bounds, _shape_of(bounds))
    _check_shape(cut, query.expected_shape)
    return block, cut


def _shape_of(bounds: tuple[slice, ...]) -> tuple[int, ...]:
    return tuple([part.stop - part.start for part in bounds])


def _within(bounds: tuple[slice, ...], text: str) -> Cut:
    """A slice of a block, in the coordinates of the array."""
    try:
        local = cut_shape(parse_slice(text), _shape_of(bounds))
    except SliceOutOfRange as error:
        raise Unprocessable(f"slice {text!r} does not fit the block: {error}", "query", "slice", value=text) from None
    index = tuple([_shift(part, bound.start) for part, bound in zip(local.index, bounds, strict=True)])
    return Cut(index, local.shape, local.flipped)


def _shift(part: Part, start: int) -> Part:
    return part + start if isinstance(part, int) else slice(part.start + start, part.stop + start, part.step)


def reaches_beyond(offset: Sequence[int], lengths: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether data at an offset reach beyond a shape."""
    return any(at + length > end for at, length, end in zip(offset, lengths, shape, strict=True))


def check_inside(offset: tuple[int, ...], lengths: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Conflict if data at an offset reach beyond an array, which may not grow unless somebody says so."""
    if reaches_beyond(offset, lengths, shape):
        raise Conflict(
            f"data of shape {lengths} at offset {offset} reach beyond the shape {shape} of the array. "
            "Use ?extend=true to let it grow."
        )


def _check_shape(cut: Cut, expected: str | None) -> None:
    if expected is None:
        return
    if not _SHAPE.fullmatch(expected):
        raise Unprocessable(
            f"expected_shape={expected[:80]!r} is not understood: write 'scalar', or integers separated by commas",
            "query", "expected_shape", value=expected[:80], kind="string_pattern_mismatch",
        )  # fmt: skip
    shape = () if expected == "scalar" else tuple(map(int, expected.split(",")))
    if shape != cut.shape:
        actual = ",".join(map(str, cut.shape)) or "scalar"
        raise Unprocessable(
            f"expected_shape={expected[:80]!r}, but this selection has the shape {actual!r}: "
            "the array may have changed since it was described",
            "query", "expected_shape", value=expected[:80],
        )  # fmt: skip
