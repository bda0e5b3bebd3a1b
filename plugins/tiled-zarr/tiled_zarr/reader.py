"""Open a Zarr store as a tree of nodes."""

from __future__ import annotations

from pathlib import Path

from tiled_zarr.arrays import ZarrArray
from tiled_zarr.folders import StoreFolder
from tiled_zarr.groups import ZarrGroup, node_at
from tiledkernel.errors import Unavailable


def open_zarr(path: Path) -> ZarrArray | ZarrGroup:
    """The array or group at the root of a store; Unavailable if the folder is none."""
    node = node_at(StoreFolder(path), "")
    if node is None:
        raise Unavailable(f"{path.name!r} is no Zarr store: it holds neither zarr.json nor .zarray nor .zgroup")
    return node
