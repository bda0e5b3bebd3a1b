"""Arrays as TIFF files: unscaled, in their own element type, and sent while they are read.

An image has two dimensions, or three if the last one holds red, green, blue and, perhaps, opacity; further leading
dimensions are pages, one after the other. tifffile lays the file out before anything is read: what it writes is the
beginning of the file and its end, and the elements that belong between are read as they are sent. Files of 4 GB and
more are BigTIFF. The shape stands in the ImageDescription of the first page, where tifffile finds it again; element
types that TIFF does not have are converted, and the ImageDescription says so.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from tempfile import NamedTemporaryFile
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from tifffile import TiffWriter

from tiled_exporters.suits import CHANNELS, MAX_TIFF_DIMENSIONS, MAX_TIFF_PAGES, without_leading_ones
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.array.encoders import as_buffer
from tiledkernel.families.array.payload import ArrayPayload

CLASSIC = (1 << 32) - (1 << 25)  # bytes: the offsets of a file that is no BigTIFF have 32 bits
_DIRECTORY = 512  # bytes that a page needs besides its elements, at most
_PIECE = 1 << 20


class Layout(Struct, frozen=True):
    """How an array lies in a file: the shape as tifffile takes it, element type, colours, and what is said of it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    colour: bool
    description: str

    @property
    def pages(self) -> int:
        """Number of images."""
        return math.prod(self.shape[: -3 if self.colour else -2])

    @property
    def big(self) -> bool:
        """Whether the file is too large for offsets of 32 bits."""
        return math.prod(self.shape) * self.dtype.itemsize + self.pages * _DIRECTORY > CLASSIC

    @property
    def order(self) -> Literal["<", ">"]:
        """The byte order of the file, which is that of the elements."""
        native_is_big = sys.byteorder == "big"
        return ">" if self.dtype.byteorder == ">" or (self.dtype.byteorder == "=" and native_is_big) else "<"


def encode(payload: ArrayPayload, context: Encoding) -> Iterator[bytes | memoryview]:
    """A TIFF file; NotAcceptable for what is no number, for no elements, and for too many dimensions or pages."""
    del context
    return _pieces(payload, _layout(payload.shape, payload.dtype))


def _layout(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Layout:
    stored, remarks = _stored(dtype)
    counted = without_leading_ones(shape, MAX_TIFF_DIMENSIONS)
    if len(counted) > MAX_TIFF_DIMENSIONS:
        first = ",".join("0" * (len(counted) - MAX_TIFF_DIMENSIONS))
        raise NotAcceptable(
            f"an array of shape {shape} has more than the {MAX_TIFF_DIMENSIONS} dimensions that a TIFF takes here: "
            f"choose a part with a slice, such as 'slice={first}'"
        )
    if 0 in shape:
        raise NotAcceptable(f"an array of shape {shape} has no pixels: choose a slice that is not empty")
    colour = len(counted) > 2 and counted[-1] in CHANNELS
    description = json.dumps({"shape": counted, **remarks})
    layout = Layout((1,) * (2 - len(counted)) + counted, stored, colour, description)
    if layout.pages > MAX_TIFF_PAGES:
        raise NotAcceptable(
            f"an array of shape {shape} has {layout.pages} images, more than the {MAX_TIFF_PAGES} that a TIFF takes "
            f"here: choose some of them, such as 'slice=:{MAX_TIFF_PAGES // math.prod(counted[1:-2]) or 1}'"
        )
    return layout


def _stored(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], dict[str, str]]:
    """The element type in the file, and what is to be said if it is another one."""
    if dtype.kind not in "biufc":
        raise NotAcceptable(
            f"elements of type {dtype} are no numbers, so they make no TIFF image: "
            "ask for another format, such as 'text/csv'"
        )
    if dtype.kind == "b":
        return np.dtype(np.uint8), {"dtype": "bool", "stored_as": "uint8, of which 0 is false and 255 is true"}
    widest = np.dtype({"f": np.float64, "c": np.complex128}.get(dtype.kind, dtype))
    if dtype.itemsize <= widest.itemsize:
        return dtype, {}
    return widest, {"dtype": dtype.name, "stored_as": f"{widest.name}, which has fewer digits"}


def _pieces(payload: ArrayPayload, layout: Layout) -> Iterator[bytes | memoryview]:
    with NamedTemporaryFile() as file:  # the elements are a hole in it, which takes no space on the disk
        with TiffWriter(file, bigtiff=layout.big, byteorder=layout.order) as writer:
            place = writer.write(
                shape=layout.shape,
                dtype=layout.dtype,
                photometric="rgb" if layout.colour else "minisblack",
                extrasamples=("unassalpha",) if layout.colour and layout.shape[-1] == 4 else None,
                software="tiledkernel",
                description=layout.description,
                metadata=None,
                returnoffset=True,
            )
        assert place is not None, "elements that are not compressed lie in one piece"
        file.seek(0)
        yield file.read(place[0])
        for slab in payload.slabs():
            yield as_buffer(_converted(slab, layout.dtype))
        file.seek(place[0] + math.prod(layout.shape) * layout.dtype.itemsize)
        while piece := file.read(_PIECE):
            yield piece


def _converted(slab: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if slab.dtype.kind == "b":
        return slab * np.uint8(255)
    with np.errstate(over="ignore"):
        return slab.astype(dtype, copy=False)
