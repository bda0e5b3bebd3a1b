"""Serve JPEG and PNG images, and numbered image sequences, as arrays."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl

JPEG_READER = Reader(
    media_type="image/jpeg",
    suffixes=(".jpg", ".jpeg"),
    signatures=(b"\xff\xd8\xff",),
    open="tiled_images.reader:open_image",
    open_many="tiled_images.sequence:open_image_sequence",
    numbered=True,
)
PNG_READER = Reader(
    media_type="image/png",
    suffixes=(".png",),
    signatures=(b"\x89PNG\r\n\x1a\n",),
    open="tiled_images.reader:open_image",
    open_many="tiled_images.sequence:open_image_sequence",
    numbered=True,
)


@hookimpl
def register_readers() -> list[Reader]:
    """One reader for each format, for single files and for numbered sequences of them."""
    return [JPEG_READER, PNG_READER]
