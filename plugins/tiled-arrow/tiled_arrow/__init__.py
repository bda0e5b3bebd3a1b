"""Serve Arrow IPC files, Feather files and Arrow streams as tables."""

from __future__ import annotations

from tiledkernel import Reader, Storage, hookimpl

MEDIA_TYPE = "application/vnd.apache.arrow.file"

READER = Reader(
    media_type=MEDIA_TYPE,
    suffixes=(".arrow", ".feather"),
    signatures=(b"ARROW1", b"FEA1"),  # of the second, Feather version 1, the reader says what to do with it
    open="tiled_arrow.reader:open_arrow",
    open_many="tiled_arrow.reader:open_arrow_files",
)
STREAM_READER = Reader(
    media_type="application/vnd.apache.arrow.stream",
    suffixes=(".arrows",),
    open="tiled_arrow.reader:open_arrow",
    open_many="tiled_arrow.reader:open_arrow_files",
)
DIRECTORY_READER = Reader(
    media_type=MEDIA_TYPE,
    suffixes=(".arrow", ".feather"),
    open="tiled_arrow.reader:open_arrow_directory",
    directory=True,
)
STORAGE = Storage(
    family="table",
    media_type=MEDIA_TYPE,
    schemes=("file",),
    create="tiled_arrow.storage:FILES.create",
    open="tiled_arrow.storage:FILES.open",
    delete="tiled_arrow.storage:FILES.delete",
    rank=30,
)


@hookimpl
def register_readers() -> list[Reader]:
    """Readers for files, for streams that were written to a file, and for directories of part files."""
    return [READER, STREAM_READER, DIRECTORY_READER]


@hookimpl
def register_storages() -> list[Storage]:
    """Uploaded tables, as one file per partition."""
    return [STORAGE]
