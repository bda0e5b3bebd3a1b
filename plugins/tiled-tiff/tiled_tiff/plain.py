"""Reading a part of an array that rests uncompressed, in C order, somewhere in a file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from io import FileIO
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiledkernel.errors import Unavailable
from tiledkernel.slices import NDSlice, Part

RUN = 256 << 10  # bytes that are rather read in one go than skipped over
SLAB = 16 << 20  # bytes read at a time where only a part of them is wanted


class Plain(Struct, frozen=True, eq=False):
    """An array in a file: where it begins, its shape, and its element type in the byte order of the file."""

    offset: int
    shape: tuple[int, ...]
    dtype: Any  # a numpy.dtype

    @property
    def row(self) -> int:
        """Bytes of one element along the first axis."""
        return int(math.prod(self.shape[1:]) * self.dtype.itemsize)


def read_plain(file: FileIO, plain: Plain, index: NDSlice, out: NDArray[Any]) -> None:
    """Read into `out` what `index` selects of an array.

    The leading axes are walked through; from the first axis on whose rows are short, rows are read together and
    then cut.
    """
    if not plain.shape:
        out[...] = _read_rows(file, plain, range(1))[0]
    elif len(plain.shape) == 1 or plain.row <= RUN:
        _cut_rows(file, plain, index, out)
    else:
        for place, (position,) in walk(index[:1]):
            inner = Plain(plain.offset + position * plain.row, plain.shape[1:], plain.dtype)
            read_plain(file, inner, index[1:], out[place])


def walk(index: NDSlice) -> Iterator[tuple[tuple[Any, ...], tuple[int, ...]]]:
    """Each position that an index selects, after its place in the result."""
    kept = [isinstance(part, slice) for part in index]
    for combination in itertools.product(*(enumerate(_positions(part)) for part in index)):
        place = [number for (number, _), keep in zip(combination, kept, strict=True) if keep]
        yield (*place, ...), tuple(position for _, position in combination)


def _positions(part: Part) -> range:
    return range(part.start, part.stop, part.step) if isinstance(part, slice) else range(part, part + 1)


def _cut_rows(file: FileIO, plain: Plain, index: NDSlice, out: NDArray[Any]) -> None:
    first, rest = index[0], index[1:]
    rows = _positions(first)
    if not isinstance(first, slice):
        out[...] = _read_rows(file, plain, rows)[(0, *rest)]
        return
    whole = out.size == len(rows) * math.prod(plain.shape[1:]) and rows.step == 1
    if whole and out.flags.c_contiguous and out.dtype == plain.dtype:
        _read_into(file, plain.offset + rows.start * plain.row, out)
        return
    count = max(1, SLAB // max(1, plain.row) // rows.step)
    for start in range(0, len(rows), count):
        wanted = rows[start : start + count]
        found = _read_rows(file, plain, range(wanted[0], wanted[-1] + 1))
        out[start : start + count] = found[(slice(None, None, rows.step), *rest)]


def _read_rows(file: FileIO, plain: Plain, rows: range) -> NDArray[Any]:
    found = np.empty((len(rows), *plain.shape[1:]), plain.dtype)
    _read_into(file, plain.offset + rows.start * plain.row, found)
    return found


def _read_into(file: FileIO, offset: int, target: NDArray[Any]) -> None:
    read_bytes(file, offset, memoryview(target.reshape(-1).view(np.uint8).data))


def read_bytes(file: FileIO, offset: int, buffer: memoryview) -> None:
    """Fill a buffer from a place in a file; Unavailable if the file ends before."""
    file.seek(offset)
    missing = len(buffer)
    while missing:
        count = file.readinto(buffer[-missing:])
        if not count:
            raise Unavailable(
                f"the file ends {missing:_} bytes before the image does: was it cut off while it was "
                "copied or written? Copy it anew"
            )
        missing -= count
