"""Numbered TIFF files as one array."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tiled_tiff.chunks import choose_frame_chunk
from tiled_tiff.layout import Layout, parse, read_layout, stamp_of
from tiledkernel.blocks import regular_chunks
from tiledkernel.errors import BadRequest, Unavailable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY
from tiledkernel.slices import Cut, NDSlice
from tiledkernel.specs import Spec

MAX_PLAIN = 16_384  # layouts of uncompressed files, which are small, that are remembered
MAX_CODED = 64  # and of others


class TiffSequence:
    """Files of one shape along a leading axis; the tags of the first file as metadata.

    Only the first file is looked at when the sequence is opened, and later the files that a cut touches.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths
        self._first, self.metadata = parse(paths[0])
        inner = choose_frame_chunk(self._first)
        shape = (len(paths), *self._first.shape)
        chunks = ((1,) * len(paths), *regular_chunks(self._first.shape, inner))
        self.structure = describe_array(shape, self._first.dtype, chunks)
        self._layouts = _Layouts()

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected pixels, from the files that the first axis of the cut selects."""
        which, rest = cut.index[0], cut.index[1:]
        out = np.empty(cut.shape, self._first.dtype)
        if not isinstance(which, slice):
            self._read_file(which, rest, out)
        elif out.size:
            for place, number in enumerate(range(which.start, which.stop, which.step)):
                self._read_file(number, rest, out[place, ...])
        return out

    def stamp(self, cut: Cut | None) -> Hashable:
        """How the files that a cut touches look on disk."""
        which = slice(0, len(self._paths), 1) if cut is None else cut.index[0]
        if not isinstance(which, slice):
            return stamp_of(self._paths[which])
        return tuple(stamp_of(path) for path in self._paths[which])

    def _read_file(self, number: int, index: NDSlice, out: NDArray[Any]) -> None:
        path = self._paths[number]
        try:
            read_layout(path, self._layout(path), index, out)
        except FileNotFoundError:
            raise Unavailable(f"{path.name!r}, file {number} of the sequence, is gone") from None

    def _layout(self, path: Path) -> Layout:
        stamp = stamp_of(path)
        first = self._first
        layout = first if stamp == first.stamp else self._layouts.get(path, stamp)
        if layout is None:
            layout, _ = parse(path)
            self._layouts.put(path, layout)
        if (layout.shape, layout.dtype) != (first.shape, first.dtype):
            raise Unavailable(
                f"{path.name!r} holds {layout.dtype} of shape {layout.shape}, but the sequence begins with "
                f"{first.dtype} of shape {first.shape} in {self._paths[0].name!r}: all files of a sequence must be "
                "alike; give files of another kind another name"
            )
        return layout

    def __repr__(self) -> str:
        return f"<TiffSequence of {len(self._paths)} files like {self._paths[0].name!r}>"


class _Layouts:
    """The latest layouts by file, safe to use from several threads."""

    def __init__(self) -> None:
        self._plain: dict[Path, Layout] = {}
        self._coded: dict[Path, Layout] = {}
        self._lock = threading.Lock()

    def get(self, path: Path, stamp: Hashable) -> Layout | None:
        found = self._plain.get(path) or self._coded.get(path)
        return found if found is not None and found.stamp == stamp else None

    def put(self, path: Path, layout: Layout) -> None:
        kept, limit = (self._coded, MAX_CODED) if layout.key is not None else (self._plain, MAX_PLAIN)
        with self._lock:
            for known in (self._plain, self._coded):
                known.pop(path, None)
            kept[path] = layout
            while len(kept) > limit:
                del kept[next(iter(kept))]


def open_tiff_sequence(paths: tuple[Path, ...]) -> TiffSequence:
    """The node of one or more files."""
    if not paths:
        raise BadRequest("a sequence of images needs at least one file")
    return TiffSequence(tuple(paths))
