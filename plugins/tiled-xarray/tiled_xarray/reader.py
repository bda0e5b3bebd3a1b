"""Read NetCDF files, of versions 3 and 4, through xarray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import xarray

from tiled_xarray.dataset import DatasetNode
from tiledkernel import references

_CLASSIC = b"CDF"  # how files of version 3 begin; those of version 4 are HDF5 files


def open_netcdf(path: Path) -> DatasetNode:
    """The dataset in a file; its variables are read when they are sliced.

    ValueError for a file of version 4 that refers to other files, which HDF5 would open wherever they are.
    """
    if _is_classic(path):
        if not references.installed("scipy"):
            raise ValueError("a NetCDF file of version 3 needs scipy: pip install 'tiled-xarray[netcdf3]'")
        return DatasetNode(xarray.open_dataset(path, engine="scipy", cache=False))
    _check_alone(path)
    return DatasetNode(xarray.open_dataset(path, engine="h5netcdf", cache=False))


def _is_classic(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_CLASSIC)) == _CLASSIC


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
