"""Numbered NumPy files as one array."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from tiled_npy.chunks import MAX_FRAME, choose_npy_chunk
from tiled_npy.header import Header, read_header
from tiledkernel.families.array.sequence import FileSequence, Frame, first_of
from tiledkernel.slices import NDSlice


def open_npy_sequence(paths: tuple[Path, ...]) -> FileSequence:
    """One array of one or more files; only the header of the first is looked at."""
    path = first_of(paths)
    with path.open("rb", buffering=0) as file:
        header = read_header(file, path.name, os.fstat(file.fileno()).st_size)
    first = _frame(path, header)

    def read_frame(path: Path, index: NDSlice, out: NDArray[Any]) -> None:
        with path.open("rb", buffering=0) as file:
            header = read_header(file, path.name, os.fstat(file.fileno()).st_size)
            _frame(path, header).check_like(first)
            header.read_into(file, index, out)

    return FileSequence(paths, first, choose_npy_chunk(header, MAX_FRAME), read_frame, MappingProxyType({}))


def _frame(path: Path, header: Header) -> Frame:
    """Byte order, and order of the axes, are how a file is written, not what it holds."""
    return Frame(path.name, header.shape, header.dtype.newbyteorder("="))
