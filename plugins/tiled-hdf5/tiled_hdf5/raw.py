"""Numbers that rest as they are in raw files beside an HDF5 file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiledkernel.errors import Unavailable
from tiledkernel.slices import Cut

SLAB = 16 << 20  # bytes read at a time, of which a cut may want only a few


class Segment(Struct, frozen=True):
    """A part of a raw file."""

    path: Path
    offset: int
    size: int


def read_segments(segments: Sequence[Segment], shape: tuple[int, ...], dtype: np.dtype[Any], cut: Cut) -> NDArray[Any]:
    """What a cut selects of an array whose bytes, in C order, are those of the segments one after the other."""
    result = np.empty(cut.shape, dtype)
    if not shape or 0 in cut.shape:
        if not shape:
            result[...] = _read_bytes(segments, 0, dtype.itemsize).view(dtype)[0]
        return result
    row = math.prod(shape[1:]) * dtype.itemsize
    first, rest = cut.index[0], cut.index[1:]
    if not isinstance(first, slice):
        rows = _read_bytes(segments, first * row, row).view(dtype).reshape(shape[1:])
        result[...] = rows[rest]
        return result
    for wanted, place in _slabs(range(first.start, first.stop, first.step), max(1, SLAB // max(1, row))):
        raw = _read_bytes(segments, wanted.start * row, (wanted[-1] - wanted.start + 1) * row)
        rows = raw.view(dtype).reshape(-1, *shape[1:])
        result[place] = rows[(slice(None, None, wanted.step), *rest)]
    return result


def _slabs(rows: range, count: int) -> Iterator[tuple[range, slice]]:
    """Parts of `rows` that span at most `count` rows, each with its place in the result."""
    step = max(1, count // rows.step)
    for start in range(0, len(rows), step):
        yield rows[start : start + step], slice(start, start + step)


def _read_bytes(segments: Sequence[Segment], start: int, count: int) -> NDArray[np.uint8]:
    parts = []
    for segment in segments:
        if start < segment.size and count:
            part = np.fromfile(segment.path, np.uint8, min(count, segment.size - start), offset=segment.offset + start)
            parts.append(part)
            count -= part.size
            if part.size < min(count + part.size, segment.size - start):
                break
            start = segment.size
        start -= segment.size
    if count:
        names = ", ".join(sorted({repr(segment.path.name) for segment in segments}))
        raise Unavailable(f"{names} is {count} bytes too short for the dataset that refers to it: was it cut off?")
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
