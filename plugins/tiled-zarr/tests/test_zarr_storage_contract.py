"""Arrays in folders do all that a storage of arrays must do."""

from __future__ import annotations

import tiled_zarr

from tiledkernel.testing.array_storages import ArrayStorageContract


class TestZarrStorage(ArrayStorageContract):
    storage = tiled_zarr.STORAGE
