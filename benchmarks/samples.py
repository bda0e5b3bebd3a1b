"""The data that all servers serve: the same arrays in memory, the same files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SIDE = 64  # of a block of 32 KiB: 64 x 64 float64
FRAMES = 20
KEYS = 10_000
ROWS, MANY_ROWS, COLUMNS = 100_000, 2_000_000, 10  # 8 MB and 160 MB of float64
TEXTS = ["copper", "nickel foil, annealed", "Zinc oxide", 'naïve, "quoted"', "", "iron", "sample 7", "background"]


def block() -> np.ndarray:
    """32 KiB."""
    return np.random.default_rng(0).normal(size=(SIDE, SIDE))


def large() -> np.ndarray:
    """256 MiB, of numbers that no coding makes much smaller."""
    return np.random.default_rng(0).random((256, 1 << 17))


def mosaic() -> np.ndarray:
    """What is served in chunks of 64 x 64."""
    return np.random.default_rng(0).normal(size=(8 * SIDE, 8 * SIDE))


def keys() -> list[str]:
    """The keys of a large container."""
    return [f"scan-{number:05}" for number in range(KEYS)]


def floats(rows: int) -> pd.DataFrame:
    """Ten columns of float64."""
    random = np.random.default_rng(0)
    return pd.DataFrame({f"column{number}": random.random(rows) for number in range(COLUMNS)})


def mixed(rows: int) -> pd.DataFrame:
    """Three columns of texts, three of integers, two of times, one of truth values and one of float64."""
    random = np.random.default_rng(0)
    texts = np.array(TEXTS, dtype=object)
    start = np.datetime64("2026-01-01", "ns")
    return pd.DataFrame(
        {
            **{f"text{number}": texts[random.integers(0, len(texts), rows)] for number in range(3)},
            **{f"count{number}": random.integers(0, 10 ** (3 * number + 3), rows) for number in range(3)},
            "began": start + np.arange(rows) * np.timedelta64(1, "s"),
            "ended": start + random.integers(0, 10**15, rows).astype("m8[ns]"),
            "good": random.random(rows) > 0.5,
            "energy": random.random(rows),
        }
    )


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
