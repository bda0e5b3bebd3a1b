"""Serve NumPy files: arrays, numbered sequences of them, and archives of several."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl

READER = Reader(
    media_type="application/x-npy",
    suffixes=(".npy",),
    signatures=(b"\x93NUMPY",),
    open="tiled_npy.reader:open_npy",
    open_many="tiled_npy.sequence:open_npy_sequence",
    numbered=True,
)
ARCHIVE_READER = Reader(media_type="application/x-npz", suffixes=(".npz",), open="tiled_npy.archive:open_npz")


@hookimpl
def register_readers() -> list[Reader]:
    """One reader for arrays and numbered sequences of them, and one for archives."""
    return [READER, ARCHIVE_READER]
