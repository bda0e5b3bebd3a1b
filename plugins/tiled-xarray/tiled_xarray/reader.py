"""Read NetCDF files, of versions 3 and 4, through xarray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import xarray

from tiled_xarray.dataset import DatasetNode

_CLASSIC = b"CDF"  # how files of version 3 begin; those of version 4 are HDF5 files


def open_netcdf(path: Path) -> DatasetNode:
    """The dataset in a file; its variables are read when they are sliced.

    ValueError for a file of version 4 that refers to other files, which HDF5 would open wherever they are.
    """
    with path.open("rb") as file:
        classic = file.read(len(_CLASSIC)) == _CLASSIC
    if not classic:
        _check_alone(path)
    return DatasetNode(xarray.open_dataset(path, engine="scipy" if classic else "h5netcdf", cache=False))


def _check_alone(path: Path) -> None:
    with h5py.File(path, "r") as file:
        file.visititems_links(_refuse_link)
        file.visititems(_refuse_outside)


def _refuse_link(name: str, link: Any) -> None:
    if isinstance(link, h5py.ExternalLink):
        raise ValueError(f"{name!r} is a link to another file, which is not followed")  # noqa: TRY004 - it is the file's


def _refuse_outside(name: str, thing: h5py.Group | h5py.Dataset) -> None:
    if isinstance(thing, h5py.Dataset) and (thing.is_virtual or thing.external):
        raise ValueError(f"the numbers of {name!r} rest in other files, which are not followed")
