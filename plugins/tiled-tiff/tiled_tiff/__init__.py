"""Serve TIFF images and numbered image sequences as arrays."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl

READER = Reader(
    media_type="image/tiff",
    suffixes=(".tif", ".tiff"),
    # Classic TIFF and BigTIFF, little and big endian.
    signatures=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    open="tiled_tiff.reader:open_tiff",
    open_many="tiled_tiff.sequence:open_tiff_sequence",
    numbered=True,
)


@hookimpl
def register_readers() -> list[Reader]:
    """One reader, for single files and for numbered sequences of them."""
    return [READER]
