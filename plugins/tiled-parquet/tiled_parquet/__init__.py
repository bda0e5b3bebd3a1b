"""Serve Parquet files as tables, a directory of them as partitions; keep uploaded tables as such."""

from __future__ import annotations

from tiledkernel import Reader, Storage, hookimpl

MEDIA_TYPE = "application/x-parquet"

READER = Reader(
    media_type=MEDIA_TYPE,
    suffixes=(".parquet", ".pq"),
    signatures=(b"PAR1",),
    open="tiled_parquet.reader:open_parquet",
    open_many="tiled_parquet.reader:open_parquet_files",
)
DIRECTORY_READER = Reader(
    media_type=MEDIA_TYPE,
    suffixes=(".parquet",),
    open="tiled_parquet.reader:open_parquet_directory",
    directory=True,
)
STORAGE = Storage(
    family="table",
    media_type=MEDIA_TYPE,
    schemes=("file",),
    create="tiled_parquet.storage:FILES.create",
    open="tiled_parquet.storage:FILES.open",
    delete="tiled_parquet.storage:FILES.delete",
    rank=10,
)


@hookimpl
def register_readers() -> list[Reader]:
    """One reader for files, and one for directories of part files."""
    return [READER, DIRECTORY_READER]


@hookimpl
def register_storages() -> list[Storage]:
    """Uploaded tables, as one file per partition, unless their writer wants another form."""
    return [STORAGE]
