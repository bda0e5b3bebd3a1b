"""Reading row groups of a Parquet file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from tiledkernel.families.table.dictionaries import with_one_dictionary
from tiledkernel.families.table.files import opened
from tiledkernel.families.table.parts import Part
from tiledkernel.families.table.schemas import check_named, check_present


def parquet_file(source: pa.NativeFile, footer: parquet.FileMetaData | None = None) -> parquet.ParquetFile:
    """The file as the library sees it, with its `footer` if that is known already."""
    return parquet.ParquetFile(source, metadata=footer, page_checksum_verification=True)


def read_row_groups(part: Part, wanted: pa.Schema, footer: parquet.FileMetaData | None = None) -> pa.Table:
    """The wanted columns of a partition, and no others, decoded."""
    with opened(part.path, part.stamp) as source, parquet_file(source, footer) as file:
        check_present(file.schema_arrow, wanted, part.path)
        groups = range(file.num_row_groups) if part.pieces is None else part.pieces
        table = _decode(file, list(groups), wanted.names)
    return with_one_dictionary(table)


def read_columns(path: Path, wanted: pa.Schema) -> pa.Table:
    """The wanted columns of a file of ours, decoded; it was renamed into its place, and never changes."""
    with pa.OSFile(str(path), "rb") as source, parquet_file(source) as file:
        check_named(file.schema_arrow, wanted, path)
        return with_one_dictionary(_decode(file, list(range(file.num_row_groups)), wanted.names))


def _decode(file: parquet.ParquetFile, groups: list[int], names: list[str]) -> pa.Table:
    try:
        table = file.read_row_groups(groups, columns=names)
    except pa.ArrowNotImplementedError:  # some nested types can only be read from one row group at a time
        table = pa.concat_tables([file.read_row_groups([group], columns=names) for group in groups])
    return table.select(names)  # a name with a dot in it has also matched a field inside a struct
