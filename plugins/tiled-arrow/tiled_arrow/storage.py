"""Uploaded tables as Arrow files, one for each partition."""

from __future__ import annotations

from io import BufferedWriter
from pathlib import Path

import pyarrow as pa

from tiled_arrow import MEDIA_TYPE
from tiled_arrow.file import ArrowFile
from tiledkernel.families.table.dictionaries import with_one_dictionary
from tiledkernel.families.table.schemas import check_named
from tiledkernel.families.table.writing import TableFiles


def write_rows(table: pa.Table, file: BufferedWriter) -> None:
    """Write a file as Arrow has it, not compressed: what is read of it goes straight into memory."""
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(with_one_dictionary(table))


def read_columns(path: Path, wanted: pa.Schema) -> pa.Table:
    """The wanted columns of a file of ours; it was renamed into its place, and never changes."""
    with pa.OSFile(str(path), "rb") as source:
        found = ArrowFile(source)
        check_named(found.schema, wanted, path)
        return found.read(None, [found.schema.get_field_index(name) for name in wanted.names] or [0]).select(
            wanted.names
        )


FILES = TableFiles(kind="Arrow", media_type=MEDIA_TYPE, suffix=".arrow", write=write_rows, read=read_columns)
