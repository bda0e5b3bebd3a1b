"""The header of an array in NumPy's format: its shape, element type and order, and where the elements begin.

The format is described in `numpy.lib.format`. Nothing is ever unpickled: an array of Python objects is refused.
"""

from __future__ import annotations

import ast
import math
import re
from functools import lru_cache
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiledkernel.errors import Unavailable
from tiledkernel.families.array.dtypes import from_numpy, to_numpy
from tiledkernel.families.array.plain import Plain, Source, read_plain
from tiledkernel.slices import Cut, NDSlice

MAGIC = b"\x93NUMPY"
MAX_HEADER = 64 << 10  # characters; an element type of a thousand named fields fits
MAX_AXES = 64
_VERSIONS = {(1, 0): (2, "latin-1"), (2, 0): (4, "latin-1"), (3, 0): (4, "utf-8")}  # bytes of the length, encoding
_LONG = re.compile(r"(?<=[0-9])L")  # how Python 2 wrote some integers


class Header(Struct, frozen=True, eq=False):
    """An array at rest; `resting` is its element type in the file, `dtype` the same without gaps between fields."""

    shape: tuple[int, ...]
    resting: Any  # a numpy.dtype
    dtype: Any  # a numpy.dtype
    fortran: bool
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of the elements in the file."""
        return math.prod(self.shape) * int(self.resting.itemsize)

    def read(self, file: Source, cut: Cut) -> NDArray[Any]:
        """What a cut selects."""
        out = np.empty(cut.shape, self.dtype, order="F" if self.fortran else "C")
        self.read_into(file, cut.index, out)
        return out

    def read_into(self, file: Source, index: NDSlice, out: NDArray[Any]) -> None:
        """Read into `out` what an index selects; no more of the file is read than lies between."""
        if self.fortran:  # the transposed array is in C order
            read_plain(file, Plain(self.offset, self.shape[::-1], self.resting), index[::-1], out.T)
        else:
            read_plain(file, Plain(self.offset, self.shape, self.resting), index, out)


def read_header(file: BinaryIO, name: str, size: int) -> Header:
    """The header of the array that begins where `file` is, which has `size` bytes; Unavailable says what is wrong."""
    magic = file.read(8)
    if not magic.startswith(MAGIC) or len(magic) < 8:
        raise Unavailable(f"{name!r} is no NumPy file: it begins with {magic[:6]!r}, expected {MAGIC!r}")
    version = magic[6], magic[7]
    if version not in _VERSIONS:
        raise Unavailable(f"{name!r} is in version {version[0]}.{version[1]} of NumPy's format, known are 1.0 to 3.0")
    width, encoding = _VERSIONS[version]
    length = int.from_bytes(file.read(width), "little")
    if length > MAX_HEADER:
        raise Unavailable(f"{name!r} has a header of {length:_} bytes, more than the {MAX_HEADER:_} that are read")
    text = file.read(length)
    if len(text) < length:
        raise Unavailable(f"{name!r} ends within its header: was it cut off while it was copied or written?")
    described = _parse(text.decode(encoding, errors="replace"))
    if isinstance(described, str):
        raise Unavailable(f"{name!r} {described}")
    header = Header(*described, offset=8 + width + length)
    missing = header.offset + header.nbytes - size
    if missing > 0:
        raise Unavailable(
            f"{name!r} ends {missing:_} bytes before its array of shape {header.shape} does: was it cut off while it "
            "was copied or written? Copy it anew"
        )
    return header


Described: TypeAlias = tuple[tuple[int, ...], np.dtype[Any], np.dtype[Any], bool]


@lru_cache(maxsize=256)  # the files of a sequence have equal headers
def _parse(text: str) -> Described | str:
    """Shape, element types and order that a header describes; a sentence if it describes no array that is read."""
    damaged = f"has a damaged header: {text[:80]!r}"
    try:
        fields = ast.literal_eval(_LONG.sub("", text.strip()))
        descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
        resting = np.lib.format.descr_to_dtype(descr)
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError, MemoryError, RecursionError):
        return damaged
    lengths = shape if isinstance(shape, tuple) and len(shape) <= MAX_AXES else (None,)
    if not isinstance(fortran, bool) or not all(type(length) is int and length >= 0 for length in lengths):
        return damaged
    if resting.hasobject:
        return (
            "holds Python objects, which are not read: loading them could run any program. Save numbers, or texts of "
            "a fixed length (such as array.astype(str)), instead of dtype=object"
        )
    try:
        dtype = to_numpy(from_numpy(resting))
    except TypeError as error:
        return f"cannot be served: {error}"
    return tuple(lengths), resting, dtype, fortran and len(lengths) > 1
