"""Sample images for `generate_files`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

IMAGES = (
    "a.tif",
    "b.tif",
    "c.tif",
    "more/A0001.tif",
    "more/A0002.tif",
    "more/A0003.tif",
    "more/B0001.tif",
    "more/B0002.tif",
    "more/even_more/e.tif",
    "more/even_more/f.tif",
)


def write_images(directory: Path) -> list[Path]:
    """Write TIFF images of 100 x 100 ones, some of them as numbered sequences; returns their paths."""
    paths = [directory / name for name in IMAGES]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, np.ones((100, 100)))
    return paths
