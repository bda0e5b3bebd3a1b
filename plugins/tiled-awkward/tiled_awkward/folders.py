"""The folder in which the data of one array rest."""

from __future__ import annotations

import shutil
from pathlib import Path

from tiledkernel.errors import Unavailable
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.storing import Location, asset_uri, path_of_uri


def asset_of(location: Location, name: str) -> Asset:
    """The folder of this name, as the catalog has it."""
    return Asset(data_uri=asset_uri(location.uri_of(name)), is_directory=True, parameter="data_uri")


def folder_of(source: DataSource, location: Location) -> Path:
    """The folder of a data source; Unavailable if it is none of the location."""
    for asset in source.assets:
        if asset.parameter == "data_uri" and location.holds(asset.data_uri):
            path = path_of_uri(asset.data_uri)
            if ".." not in path.parts and path != location.folder:
                return path
    raise Unavailable("this array has no folder in the place where uploaded data are kept")


def delete_folder(source: DataSource, location: Location) -> None:
    """Remove the folder of a data source, and all that is in it."""
    remove_folder(folder_of(source, location))


def remove_folder(folder: Path) -> None:
    """Remove a folder, and all that is in it, as far as it is there."""
    shutil.rmtree(folder, ignore_errors=True)
