"""Reading a part of an array that rests uncompressed, in C order, somewhere in a file.

Files are read, not mapped into memory: one that another program cuts short is then an error, where touching a mapped
page that is gone ends the process.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiledkernel.errors import Unavailable
from tiledkernel.slices import NDSlice, Part

RUN = 256 << 10  # bytes; longer rows are read one by one
GAP = 64 << 10  # bytes that are rather read than skipped over, which takes a call of its own
SLAB = 16 << 20  # bytes read at a time where only a part of them is wanted


class Source(Protocol):
    """An open file, or a member of an archive."""

    def seek(self, offset: int, /) -> int:
        """Go to a place in the file."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill a buffer as far as possible; the number of bytes read, 0 at the end."""


class Plain(Struct, frozen=True, eq=False):
    """An array in a file: where it begins, its shape, and its element type in the byte order of the file."""

    offset: int
    shape: tuple[int, ...]
    dtype: Any  # a numpy.dtype

    @property
    def row(self) -> int:
        """Bytes of one element along the first axis."""
        return int(math.prod(self.shape[1:]) * self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return int(math.prod(self.shape) * self.dtype.itemsize)


def read_plain(file: Source, plain: Plain, index: NDSlice, out: NDArray[Any]) -> None:
    """Read into `out` what `index` selects of an array.

    The leading axes are walked through; from the first axis on whose selected parts lie close together, these are
    read in one go and then cut.
    """
    if not out.nbytes:
        return
    if not plain.shape:
        out[...] = _read_rows(file, plain, range(1))[0]
    elif isinstance(index[0], slice) and _lie_close(plain, index):
        _cut_rows(file, plain, index[0], index[1:], out)
    else:
        for place, (position,) in walk(index[:1]):
            inner = Plain(plain.offset + position * plain.row, plain.shape[1:], plain.dtype)
            read_plain(file, inner, index[1:], out[place])


def _lie_close(plain: Plain, index: NDSlice) -> bool:
    """Whether rows are short, and little that is not wanted lies between what is wanted of them."""
    rows = _positions(index[0])
    gap = rows.step * plain.row - _span(plain, index[1:])
    return (len(plain.shape) == 1 or plain.row <= RUN) and (len(rows) == 1 or gap <= GAP)


def _span(plain: Plain, index: NDSlice) -> int:
    """Bytes from the first to the last element that an index of the trailing axes selects."""
    span = stride = int(plain.dtype.itemsize)
    for part, length in zip(reversed(index), reversed(plain.shape), strict=False):
        positions = _positions(part)
        span += (positions[-1] - positions[0]) * stride
        stride *= length
    return span


def walk(index: NDSlice) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Each position that an index selects, after its place in the result."""
    kept = [isinstance(part, slice) for part in index]
    for combination in itertools.product(*(enumerate(_positions(part)) for part in index)):
        place = [number for (number, _), keep in zip(combination, kept, strict=True) if keep]
        yield (*place, ...), tuple(position for _, position in combination)


def _positions(part: Part) -> range:
    return range(part.start, part.stop, part.step) if isinstance(part, slice) else range(part, part + 1)


def _cut_rows(file: Source, plain: Plain, first: slice, rest: NDSlice, out: NDArray[Any]) -> None:
    rows = _positions(first)
    whole = out.size == len(rows) * math.prod(plain.shape[1:]) and rows.step == 1
    if whole and out.flags.c_contiguous and out.dtype == plain.dtype:
        _read_into(file, plain.offset + rows.start * plain.row, out)
        return
    count = max(1, SLAB // max(1, plain.row) // rows.step)
    for start in range(0, len(rows), count):
        wanted = rows[start : start + count]
        found = _read_rows(file, plain, range(wanted[0], wanted[-1] + 1))
        out[start : start + count] = found[(slice(None, None, rows.step), *rest)]


def _read_rows(file: Source, plain: Plain, rows: range) -> NDArray[Any]:
    found = np.empty((len(rows), *plain.shape[1:]), plain.dtype)
    _read_into(file, plain.offset + rows.start * plain.row, found)
    return found


def _read_into(file: Source, offset: int, target: NDArray[Any]) -> None:
    read_bytes(file, offset, memoryview(target.reshape(-1).view(np.uint8).data))


def read_bytes(file: Source, offset: int, buffer: memoryview) -> None:
    """Fill a buffer from a place in a file; Unavailable if the file ends before."""
    file.seek(offset)
    missing = len(buffer)
    while missing:
        count = file.readinto(buffer[-missing:])
        if not count:
            raise Unavailable(
                f"the file ends {missing:_} bytes before the array does: was it cut off while it was "
                "copied or written? Copy it anew"
            )
        missing -= count
