"""Open an HDF5 file as a tree of nodes."""

from __future__ import annotations

import importlib
from pathlib import Path

from tiled_hdf5.files import Files
from tiled_hdf5.groups import HDF5Group
from tiledkernel.references import installed

if installed("hdf5plugin"):
    importlib.import_module("hdf5plugin")  # registers the filters of Blosc, LZ4, Zstandard, ... with HDF5


def open_hdf5(path: Path) -> HDF5Group:
    """The root group; the file stays open for as long as a node of it is in use."""
    files = Files(path)
    return HDF5Group(files, files.main, files.main.root, "")
