"""Serve Zarr stores, v2 and v3: groups as containers, arrays chunk by chunk; and keep the arrays that are uploaded."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl
from tiledkernel.records import Storage

READER = Reader(
    media_type="application/x-zarr",
    suffixes=(".zarr",),
    open="tiled_zarr.reader:open_zarr",
    directory=True,
    markers=("zarr.json", ".zarray", ".zgroup"),
)
STORAGE = Storage(
    family="array",
    media_type="application/x-zarr",
    schemes=("file", "s3", "gs", "az"),
    create="tiled_zarr.storage:create",
    open="tiled_zarr.storage:open_stored",
    delete="tiled_zarr.storage:delete",
    rank=10,
)


@hookimpl
def register_readers() -> list[Reader]:
    """One reader, for arrays and groups of either version."""
    return [READER]


@hookimpl
def register_storages() -> list[Storage]:
    """One storage, for arrays."""
    return [STORAGE]
