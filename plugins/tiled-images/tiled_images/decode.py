"""A file as pixels, exactly as Pillow gives them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from PIL import ImageFile, ImageMode
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from tiledkernel.errors import KernelError, Unavailable
from tiledkernel.nodes.paths import reason_of
from tiledkernel.nodes.stamps import Stamp, stamp_of_status

MAX_PIXELS = 178_956_970  # where Pillow refuses images too: 1 MB of PNG may expand to gigabytes
_KINDS: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
)


class Pixels(Struct, frozen=True, eq=False):
    """What the header of a file says about its pixels, and the stamp that the file had then."""

    shape: tuple[int, ...]
    dtype: Any  # a numpy.dtype
    stamp: Stamp


@contextmanager
def opened(path: Path) -> Iterator[tuple[ImageFile.ImageFile, Pixels]]:
    """The image in a file, of which only the header has been read; Unavailable says what is wrong with it."""
    try:
        with path.open("rb") as file:
            image = _identified(file, path.name)
            yield image, _pixels(image, path.name, stamp_of_status(os.fstat(file.fileno())))
    except (KernelError, FileNotFoundError):
        raise
    except Exception as error:  # Pillow raises errors of many kinds for a damaged file
        reason = reason_of(error) if isinstance(error, OSError) and error.errno else str(error)
        raise Unavailable(f"{path.name!r} cannot be read as an image: {reason or type(error).__name__}") from error


def _identified(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    """By its content: a suffix may be wrong. No other format of Pillow's many is tried."""
    head = file.read(8)
    file.seek(0)
    for signature, kind in _KINDS:
        if head.startswith(signature):
            return kind(file)
    raise Unavailable(f"{name!r} is no JPEG or PNG file: it begins with {head!r}")


def _pixels(image: ImageFile.ImageFile, name: str, stamp: Stamp) -> Pixels:
    mode = ImageMode.getmode(image.mode)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Unavailable(
            f"{name!r} has {width} x {height} pixels, more than the {MAX_PIXELS:_} that are decoded at once: "
            "save it as a tiled TIFF, of which parts can be read"
        )
    bands = (len(mode.bands),) if len(mode.bands) > 1 else ()
    return Pixels((height, width, *bands), np.dtype(mode.typestr), stamp)


def decode(image: ImageFile.ImageFile) -> NDArray[Any]:
    """All pixels: rows, columns, and bands if there are several; neither turned nor converted."""
    return np.asarray(image)
