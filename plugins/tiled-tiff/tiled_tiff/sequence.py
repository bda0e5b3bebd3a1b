"""Numbered TIFF files as one array."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tiled_tiff.chunks import choose_frame_chunk
from tiled_tiff.layout import Layout, parse, read_layout
from tiledkernel.families.array.sequence import FileSequence, Frame, first_of
from tiledkernel.nodes.stamps import stamp_of
from tiledkernel.slices import NDSlice

MAX_PLAIN = 16_384  # layouts of uncompressed files, which are small, that are remembered
MAX_CODED = 64  # and of others


class _Frames:
    """Reads single files of a sequence; remembers how the latest of them are laid out."""

    def __init__(self, name: str, first: Layout) -> None:
        self.first = _frame(name, first)
        self._first_layout = first
        self._layouts = _Layouts()

    def read(self, path: Path, index: NDSlice, out: NDArray[Any]) -> None:
        layout = self._layout(path)
        _frame(path.name, layout).check_like(self.first)
        read_layout(path, layout, index, out)

    def _layout(self, path: Path) -> Layout:
        stamp = stamp_of(path)
        layout = self._first_layout if stamp == self._first_layout.stamp else self._layouts.get(path, stamp)
        if layout is None:
            layout, _ = parse(path)
            self._layouts.put(path, layout)
        return layout


def _frame(name: str, layout: Layout) -> Frame:
    return Frame(name, layout.shape, layout.dtype)


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


def open_tiff_sequence(paths: tuple[Path, ...]) -> FileSequence:
    """One array of one or more files; only the first is looked at, its tags are the metadata."""
    first = first_of(paths)
    layout, tags = parse(first)
    frames = _Frames(first.name, layout)
    return FileSequence(paths, frames.first, choose_frame_chunk(layout), frames.read, tags)
