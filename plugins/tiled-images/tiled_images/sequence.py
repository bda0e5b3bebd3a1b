"""Numbered image files as one array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tiled_images.decode import Pixels, decode, opened
from tiled_images.metadata import read_metadata
from tiledkernel.families.array.sequence import FileSequence, Frame, first_of
from tiledkernel.slices import NDSlice


def open_image_sequence(paths: tuple[Path, ...]) -> FileSequence:
    """One array of one or more files; only the header of the first is looked at, its metadata are those of the node."""
    path = first_of(paths)
    with opened(path) as (image, pixels):
        first, metadata = _frame(path, pixels), read_metadata(image)

    def read_frame(path: Path, index: NDSlice, out: NDArray[Any]) -> None:
        with opened(path) as (image, pixels):
            _frame(path, pixels).check_like(first)
            out[...] = decode(image)[index]

    return FileSequence(paths, first, first.shape, read_frame, metadata)


def _frame(path: Path, pixels: Pixels) -> Frame:
    return Frame(path.name, pixels.shape, pixels.dtype)
