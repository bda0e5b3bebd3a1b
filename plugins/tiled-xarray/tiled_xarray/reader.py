"""Read NetCDF files, of versions 3 and 4, through xarray."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import xarray

from tiled_xarray.dataset import DatasetNode
from tiledkernel import references

CLASSIC = b"CDF"  # how files of version 3 begin; those of version 4 are HDF5 files
MAX_CLASSIC = 256 << 20  # bytes: these are read whole, the library cannot let go of parts of a file safely


def open_netcdf(path: Path) -> DatasetNode:
    """The dataset in a file; variables of version 4 are read when they are sliced.

    ValueError for a file of version 4 that refers to other files, which HDF5 would open wherever they are, and for a
    large one of version 3.
    """
    with path.open("rb") as file:
        if file.read(len(CLASSIC)) == CLASSIC:
            return DatasetNode(_load_classic(file))
    _check_alone(path)
    return DatasetNode(xarray.open_dataset(path, engine="h5netcdf", cache=False))


def _load_classic(file: BinaryIO) -> xarray.Dataset:
    size = file.seek(0, io.SEEK_END)
    if size > MAX_CLASSIC:
        raise ValueError(f"of NetCDF version 3, files of up to {MAX_CLASSIC:_} bytes are read: convert it to version 4")
    if not references.installed("scipy"):
        raise ValueError("a NetCDF file of version 3 needs scipy: pip install 'tiled-xarray[netcdf3]'")
    file.seek(0)
    return xarray.load_dataset(file, engine="scipy")


def _check_alone(path: Path) -> None:
    with h5py.File(path, "r") as file:
        reason = file.visititems_links(_leads_outside) or file.visititems(_rests_outside)
    if reason is not None:
        raise ValueError(reason)


def _leads_outside(name: str, link: Any) -> str | None:
    if isinstance(link, h5py.ExternalLink):
        return f"{name!r} is a link to another file, which is not followed"
    return None


def _rests_outside(name: str, thing: h5py.Group | h5py.Dataset) -> str | None:
    if isinstance(thing, h5py.Dataset) and (thing.is_virtual or thing.external):
        return f"the numbers of {name!r} rest in other files, which are not followed"
    return None
