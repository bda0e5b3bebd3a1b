"""Uploaded tables as Parquet files, one for each partition."""

from __future__ import annotations

from io import BufferedWriter

import pyarrow as pa
from pyarrow import parquet

from tiled_parquet import MEDIA_TYPE
from tiled_parquet.row_groups import read_columns
from tiledkernel.families.table.writing import TableFiles

ROWS = 128 << 10  # in a row group: what is read of a file is whole row groups


def write_rows(table: pa.Table, file: BufferedWriter) -> None:
    """Write a file whose damage can be told, by the checksums of its pages."""
    parquet.write_table(table, file, compression="zstd", row_group_size=ROWS, write_page_checksum=True)


FILES = TableFiles(kind="Parquet", media_type=MEDIA_TYPE, suffix=".parquet", write=write_rows, read=read_columns)
