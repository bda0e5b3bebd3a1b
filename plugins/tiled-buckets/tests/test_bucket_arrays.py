"""Arrays in buckets do all that a storage of arrays must do."""

from __future__ import annotations

from typing import Any

import tiled_zarr
from tiled_buckets.bucket import bucket_of

from tiledkernel.nodes.storing import Location
from tiledkernel.testing.array_storages import StorageContract


class TestBucketStorage(StorageContract):
    storage = tiled_zarr.STORAGE

    def files(self, location: Location) -> list[str]:
        return list(bucket_of(location).keys(""))
