"""A TIFF file as an array."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tiled_tiff.chunks import choose_frame_chunk
from tiled_tiff.layout import Layout, parse, read_layout
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec


class TiffImage:
    """The first series of a file: an image, or a stack of them; the tags of the first page as metadata.

    The file is open only while it is read.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(self, path: Path, layout: Layout, tags: Mapping[str, Any]) -> None:
        self._path = path
        self._layout = layout
        self.metadata = tags
        self.structure = describe_array(layout.shape, layout.dtype, choose_frame_chunk(layout))

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected pixels; only the strips and tiles that they lie in are decoded."""
        out = np.empty(cut.shape, self._layout.dtype)
        read_layout(self._path, self._layout, cut.index, out)
        return out

    def __repr__(self) -> str:
        return f"<TiffImage {self._path.name!r} {self._layout.shape}>"


def open_tiff(path: Path) -> TiffImage:
    """The node of a file."""
    return TiffImage(path, *parse(path))
