"""An image file as an array."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tiled_images.decode import Pixels, decode, opened
from tiled_images.metadata import read_metadata
from tiledkernel.errors import NotReady
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec


class ImageArray:
    """The pixels of a file as Pillow gives them; what the file says about them as metadata.

    Both formats can only be decoded as a whole, so the image is one chunk.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(self, path: Path, pixels: Pixels, metadata: Mapping[str, Any]) -> None:
        self._path = path
        self._stamp = pixels.stamp
        self._decoded: weakref.ref[NDArray[Any]] | None = None
        self.metadata = metadata
        self.structure = describe_array(pixels.shape, pixels.dtype, pixels.shape)

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected pixels.

        A large image leaves in several pieces, one read each; as long as one of them is in use, the image is not
        decoded again for the next.
        """
        decoded = self._decoded() if self._decoded is not None else None
        if decoded is None:
            decoded = self._decode()
            self._decoded = weakref.ref(decoded)
        return np.asarray(decoded[cut.index])

    def _decode(self) -> NDArray[Any]:
        with opened(self._path) as (image, pixels):
            if pixels.stamp != self._stamp:
                raise NotReady(f"{self._path.name!r} has changed since it was opened: ask again")
            return decode(image)

    def __repr__(self) -> str:
        return f"<ImageArray {self._path.name!r} {self.structure.shape}>"


def open_image(path: Path) -> ImageArray:
    """The node of a file, of which the pixels are not decoded yet."""
    with opened(path) as (image, pixels):
        return ImageArray(path, pixels, read_metadata(image))
