"""Serve Parquet files as tables; a directory of them as partitions."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl

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


@hookimpl
def register_readers() -> list[Reader]:
    """One reader for files, and one for directories of part files."""
    return [READER, DIRECTORY_READER]
