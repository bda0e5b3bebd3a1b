"""Where uploaded arrays go: as Zarr v3 into folders, or into buckets, one place for each array."""

from __future__ import annotations

from typing import Any

from tiled_zarr.describing import checked_structure
from tiled_zarr.stored import StoredArray, structure_of
from tiledkernel import references
from tiledkernel.errors import UnsupportedMediaType
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.storing import FILE, Keeper, Location


def create(source: DataSource, location: Location, name: str) -> DataSource:
    """Make room for an array; Unprocessable, before anything is made, if there can be none like that."""
    structure = checked_structure(structure_of(source))
    made: DataSource = _load(location, "make_array")(source, structure, location, name)
    return made


def open_stored(source: DataSource, location: Location, keeper: Keeper) -> StoredArray:
    """The array of a data source, to be read and written."""
    array: StoredArray = _load(location, "open_array")(source, location, keeper)
    return array


def delete(source: DataSource, location: Location) -> None:
    """Remove what was stored."""
    _load(location, "delete_array")(source, location)


def _load(location: Location, name: str) -> Any:
    """A function of the module for this kind of place."""
    if location.scheme == FILE:
        return references.load(f"tiled_zarr.folder_array:{name}")
    if not references.installed("tiled_buckets"):
        raise UnsupportedMediaType(
            f"arrays cannot be kept in {location.uri!r}: the server needs `pip install tiled-buckets` for that"
        )
    return references.load(f"tiled_zarr.bucket_array:{name}")
