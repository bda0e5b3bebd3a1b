"""The data that all servers serve: the same arrays in memory, the same files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIDE = 64  # of a block of 32 KiB: 64 x 64 float64
FRAMES = 20


def block() -> np.ndarray:
    """32 KiB."""
    return np.random.default_rng(0).normal(size=(SIDE, SIDE))


def large() -> np.ndarray:
    """256 MiB, of pages that are really there."""
    return np.ones((256, 1 << 17))


def write_files(folder: Path) -> None:
    """An HDF5 file with a plain and a compressed dataset, and a sequence of TIFF images."""
    import h5py  # noqa: PLC0415 - the servers that import this module for its arrays need no files
    import tifffile  # noqa: PLC0415 - as above

    counts = np.random.default_rng(0).poisson(3, size=(8 * SIDE, 8 * SIDE)).astype("f8")
    with h5py.File(folder / "data.h5", "w") as file:
        file.create_dataset("plain", data=counts, chunks=(SIDE, SIDE))
        file.create_dataset("gzip", data=counts, chunks=(SIDE, SIDE), compression="gzip")
        file["plain"].attrs.update({"units": "counts", "exposure": 0.1, "sample": "Ni foil"})
    for number in range(FRAMES):
        image = np.random.default_rng(number).integers(0, 1000, size=(128, 128), dtype="u2")
        tifffile.imwrite(folder / f"frame{number:03}.tif", image)
