"""What a TIFF file holds and where: read once, so that the pixels can be read without parsing it again."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from msgspec import Struct
from numpy.typing import NDArray

from tiled_tiff.chain import check_chain
from tiled_tiff.pages import Page, page_of, read_page, resting_dtype
from tiled_tiff.tags import read_tags
from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.families.array.plain import Plain, read_plain, walk
from tiledkernel.nodes.stamps import Stamp, stamp_of_status
from tiledkernel.slices import NDSlice, cut_shape

# tifffile logs what it finds odd about a file, at every opening. What makes a file unreadable is raised.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)

_ALONE: dict[str, Any] = {
    "_multifile": False,
    "is_mmstack": False,
    "is_ndtiff": False,
}  # never open other files that this one names


class Layout(Struct, frozen=True, eq=False):
    """The first series of a file: its array, and how to read it.

    `plain` is set if the whole series is one uncompressed array in the file, else `pages` and `key` are.
    """

    shape: tuple[int, ...]
    dtype: Any  # a numpy.dtype, in the byte order of this machine
    axes: str
    frame: tuple[int, ...]  # shape of one page
    tile_rows: int  # rows that are stored, and decoded, together
    stamp: Stamp
    plain: Plain | None = None
    pages: tuple[Page | None, ...] = ()
    key: Any = None  # the tifffile.TiffPage that says how the pages are coded


def parse(path: Path) -> tuple[Layout, Mapping[str, Any]]:
    """The layout of a file, and the tags of its first page."""
    with path.open("rb", buffering=0) as file:
        check_chain(file, path.name)
        stamp = stamp_of_status(os.fstat(file.fileno()))
    with tifffile.TiffFile(path, **_ALONE) as tiff:
        return _layout(tiff, path.name, stamp), read_tags(tiff.pages.first)


def _layout(tiff: tifffile.TiffFile, name: str, stamp: Stamp) -> Layout:
    if not tiff.series:
        raise Unavailable(f"{name!r} holds no image")
    series = tiff.series[0]
    key = series.keyframe
    if series.dtype is None or key.dtype is None:
        raise Unavailable(f"{name!r} holds pixels of {key.bitspersample} bits in a format that numpy has no type for")
    shape, dtype = tuple(map(int, series.shape)), np.dtype(series.dtype)
    offset = series.dataoffset
    plain: Plain | None = None
    pages: tuple[Page | None, ...] = ()
    if offset is not None and page_of(key).plain:
        plain = Plain(offset, shape, resting_dtype(key))
    else:
        key.decode  # noqa: B018 - is made now, while the file is open
        pages = tuple(None if page is None else page_of(page) for page in series.pages)
    rows = key.tilelength if key.is_tiled else key.rowsperstrip
    return Layout(
        shape=shape,
        dtype=dtype.newbyteorder("="),
        axes=series.axes,
        frame=tuple(key.shape),
        stamp=stamp,
        tile_rows=max(1, min(rows, key.imagelength)) if plain is None else 1,
        plain=plain,
        pages=pages,
        key=key if plain is None else None,
    )


def read_layout(path: Path, layout: Layout, index: NDSlice, out: NDArray[Any]) -> None:
    """Read into `out` what an index selects; NotReady if the file is no longer the one that was parsed."""
    if not out.size:
        return
    with path.open("rb", buffering=0) as file:
        if stamp_of_status(os.fstat(file.fileno())) != layout.stamp:
            raise NotReady(f"{path.name!r} has changed since it was opened: ask again")
        if layout.plain is not None:
            read_plain(file, layout.plain, index, out)
        else:
            _read_pages(file, layout, index, out)


def _read_pages(file: FileIO, layout: Layout, index: NDSlice, out: NDArray[Any]) -> None:
    ahead = len(layout.shape) - len(layout.frame)
    if ahead < 0 or layout.shape[ahead:] != layout.frame:  # the file says how its pages are to be reshaped
        whole = np.empty((len(layout.pages), *layout.frame), layout.dtype)
        every = cut_shape((), layout.frame).index
        for number in range(len(layout.pages)):
            read_page(file, _present(layout, number), layout.key, every, whole[number])
        out[...] = whole.reshape(layout.shape)[index]
        return
    for place, where in walk(index[:ahead]):
        number = int(np.ravel_multi_index(where, layout.shape[:ahead])) if ahead else 0
        read_page(file, _present(layout, number), layout.key, index[ahead:], out[place])


def _present(layout: Layout, number: int) -> Page:
    page = layout.pages[number] if number < len(layout.pages) else None
    if page is None:
        raise Unavailable(
            f"plane {number} is not in the file, although its description lists it: read the others in slices"
        )
    return page
