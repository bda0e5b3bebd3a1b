"""Decoding the parts (strips or tiles) of a TIFF page that a cut touches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from io import FileIO
from typing import Any

import numpy as np
import tifffile
from msgspec import Struct
from numpy.typing import NDArray

from tiledkernel.errors import Unavailable
from tiledkernel.families.array.plain import Plain, read_bytes, read_plain
from tiledkernel.slices import NDSlice, Part

_JPEG = {6, 7, 33007, 34892}  # compressions whose tables lie outside the strips


class Page(Struct, frozen=True):
    """Where the parts of one page lie in its file; `plain` if they are one uncompressed image."""

    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    plain: bool
    jpegtables: bytes | None = None


def page_of(page: Any) -> Page:
    """What is needed to read a tifffile.TiffPage or TiffFrame once its file is closed."""
    key = page.keyframe
    offsets, counts = tuple(page.dataoffsets), tuple(page.databytecounts)
    return Page(offsets, counts, _is_plain(key, offsets, counts), page.jpegtables if key.compression in _JPEG else None)


def _is_plain(key: tifffile.TiffPage, offsets: tuple[int, ...], counts: tuple[int, ...]) -> bool:
    """Whether the pixels lie in the file as in the array; tifffile asks that of the first page only."""
    if not key.is_contiguous or key.predictor != 1 or key.fillorder == 2 or key.is_subsampled:
        return False
    follow = all(start + count == after for start, count, after in zip(offsets, counts, offsets[1:], strict=False))
    return bool(offsets) and offsets[0] > 0 and (follow or len(key.dataoffsets) == 1 or key.is_stk or key.is_lsm)


def read_page(file: FileIO, page: Page, key: tifffile.TiffPage, index: NDSlice, out: NDArray[Any]) -> None:
    """Read into `out` what `index` selects of a page; `key` is the page that says how all of its kind are coded."""
    if page.plain:
        read_plain(file, Plain(page.offsets[0], key.shape, resting_dtype(key)), index, out)
        return
    if len(page.offsets) != len(page.counts) or len(page.offsets) < math.prod(key.chunked):
        raise Unavailable(
            f"the page has {len(page.offsets)} strips or tiles where {math.prod(key.chunked)} are needed: its tags are "
            "damaged"
        )
    names = _axis_names(key)
    parts = dict(zip(names, index, strict=True))
    window = [_span(parts[name]) if name in parts else range(1) for name in "SDHW"]
    pixels = np.empty((*map(len, window), key.shaped[4]), out.dtype)
    for number, origin in _touched(key, window):
        _paste(_decode(file, page, key, number), origin, key, window, pixels)
    local = tuple(_shift(part, 0 if name == "C" else window["SDHW".index(name)].start) for name, part in parts.items())
    out[...] = pixels.reshape([length for length, name in zip(pixels.shape, "SDHWC", strict=True) if name in parts])[
        local
    ]


def resting_dtype(key: tifffile.TiffPage) -> np.dtype[Any]:
    """The element type in the byte order of the file."""
    return np.dtype(key.dtype).newbyteorder(key.parent.byteorder)


def _axis_names(key: tifffile.TiffPage) -> str:
    """The axes of a page, in order, as S(eparate samples), D(epth), H(eight), W(idth), C(ontiguous samples)."""
    return key.axes.translate(str.maketrans("ZYXS", "DHW" + ("S" if key.shaped[0] > 1 else "C")))


def _span(part: Part) -> range:
    return range(part.start, part.stop) if isinstance(part, slice) else range(part, part + 1)


def _shift(part: Part, start: int) -> Part:
    return slice(part.start - start, part.stop - start, part.step) if isinstance(part, slice) else part - start


def _touched(key: tifffile.TiffPage, window: list[range]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Number and origin of each strip or tile that overlaps the window."""
    height, width = (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, key.imagewidth)
    depth = key.tiledepth if key.is_tiled else 1
    steps = (1, max(1, depth), height, width)
    counts = [-(-length // step) for length, step in zip(key.shaped[:4], steps, strict=True)]
    wanted = [range(span.start // step, -(-span.stop // step)) for span, step in zip(window, steps, strict=True)]
    for place in itertools.product(*wanted):
        yield int(np.ravel_multi_index(place, counts)), tuple(at * step for at, step in zip(place, steps, strict=True))


def _decode(file: FileIO, page: Page, key: tifffile.TiffPage, number: int) -> NDArray[Any] | None:
    """The pixels of a strip or tile; None if the file leaves it out, which stands for the page's `nodata`."""
    count = page.counts[number]
    if not count or not page.offsets[number]:
        return None
    data = bytearray(count)
    read_bytes(file, page.offsets[number], memoryview(data))
    tables = {} if page.jpegtables is None else {"jpegtables": page.jpegtables, "jpegheader": key.jpegheader}
    try:
        return key.decode(bytes(data), number, _fullsize=False, **tables)[0]
    except (ValueError, NotImplementedError) as error:
        if "imagecodecs" not in str(error):
            raise
        name = tifffile.COMPRESSION(key.compression).name
        raise Unavailable(
            f"the image is compressed with {name}, which needs the package imagecodecs: install it "
            "(pip install 'tiled-tiff[codecs]') and start the server anew"
        ) from error


def _paste(
    part: NDArray[Any] | None,
    origin: tuple[int, ...],
    key: tifffile.TiffPage,
    window: list[range],
    pixels: NDArray[Any],
) -> None:
    """Copy the overlap of a strip or tile with the window."""
    sample, *place = origin
    if part is None:
        shape = (
            (key.tiledepth, key.tilelength, key.tilewidth) if key.is_tiled else (1, key.rowsperstrip, key.imagewidth)
        )
        part = np.full((*shape, pixels.shape[4]), key.nodata, pixels.dtype)
    source: list[slice] = []
    target: list[int | slice] = [sample - window[0].start]
    for start, length, span in zip(place, part.shape[:3], window[1:], strict=True):
        first, last = max(start, span.start), min(start + length, span.stop)
        source.append(slice(first - start, max(first, last) - start))
        target.append(slice(first - span.start, max(first, last) - span.start))
    pixels[tuple(target)] = part[tuple(source)]
