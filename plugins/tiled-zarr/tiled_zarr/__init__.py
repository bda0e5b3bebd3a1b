"""Serve Zarr stores, v2 and v3: groups as containers, arrays chunk by chunk, attributes as metadata."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl

READER = Reader(
    media_type="application/x-zarr",
    suffixes=(".zarr",),
    open="tiled_zarr.reader:open_zarr",
    directory=True,
    markers=("zarr.json", ".zarray", ".zgroup"),
)


@hookimpl
def register_readers() -> list[Reader]:
    """One reader, for arrays and groups of either version."""
    return [READER]
