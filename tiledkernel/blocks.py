"""Blocks: which rectangle of an array a chunk index names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

from tiledkernel.errors import Unprocessable

Block: TypeAlias = tuple[int, ...]
Chunks: TypeAlias = tuple[tuple[int, ...], ...]

_GRAMMAR = re.compile(r"[0-9]{0,18}(,[0-9]{1,18})*", re.ASCII)


@lru_cache(maxsize=1024)
def parse_block(text: str) -> Block:
    """The block index written in `text`, such as '0,3'; empty for an array without dimensions."""
    if len(text) > 1000 or not _GRAMMAR.fullmatch(text) or text.startswith(","):
        raise Unprocessable(
            f"block {text[:80]!r} is not understood: expected one non-negative integer per dimension "
            "separated by commas, such as '0,3'",
            "query", "block", value=text[:80], kind="string_pattern_mismatch",
        )  # fmt: skip
    return tuple(map(int, text.split(","))) if text else ()


def block_bounds(block: Block, chunks: Chunks) -> tuple[slice, ...]:
    """The rectangle that `block` covers, one slice per axis; Unprocessable if it is outside the chunk grid."""
    bounds = []
    if len(block) == len(chunks):
        for index, lengths in zip(block, chunks, strict=True):
            if index >= len(lengths):
                break
            start = sum(lengths[:index])
            bounds.append(slice(start, start + lengths[index], 1))
        else:
            return tuple(bounds)
    text = ",".join(map(str, block))
    raise Unprocessable(
        f"no block {text!r}: this array has {tuple(map(len, chunks))} blocks along its axes",
        "query",
        "block",
        value=text,
    )


def regular_chunks(shape: tuple[int, ...], chunk: tuple[int, ...]) -> Chunks:
    """The chunk lengths along each axis of a regular grid; a zero-length axis has one chunk of length 0."""
    grid = []
    for length, step in zip(shape, chunk, strict=True):
        full, rest = divmod(length, step) if step else (0, 0)
        grid.append((step,) * full + ((rest,) if rest else ()) or (0,))
    return tuple(grid)


def choose_chunk(shape: tuple[int, ...], itemsize: int, target: int = 4 << 20) -> tuple[int, ...]:
    """A chunk shape of at most about `target` bytes; the first axes are divided first, so that rows stay whole."""
    chunk = [max(1, length) for length in shape]
    size = itemsize
    for length in chunk:
        size *= length
    for axis, length in enumerate(chunk):
        if size <= target:
            break
        row = size // length
        chunk[axis] = max(1, target // row)
        size = row * chunk[axis]
    return tuple(chunk)
