"""Open Parquet files as tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tiled_parquet.row_groups import parquet_file, read_row_groups
from tiledkernel.families.table.files import explained, opened, part_files
from tiledkernel.families.table.parts import PARTITION, FileTable, Part, gather
from tiledkernel.families.table.schemas import check_names, check_same, owner_metadata
from tiledkernel.nodes.stamps import stamp_of

_KIND = "Parquet"
_SUFFIXES = (".parquet", ".pq")


def open_parquet(path: Path) -> FileTable:
    """A table whose partitions are the row groups of one file, small ones gathered."""
    with explained(path, _KIND), opened(path) as source, parquet_file(source) as file:
        footer, schema, stamp = file.metadata, file.schema_arrow, stamp_of(path)
    check_names(schema, path)
    sizes = (footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
    parts = [Part(path, groups, stamp) for groups in gather(sizes, PARTITION)]
    return FileTable(_KIND, parts, schema, owner_metadata(footer.metadata), partial(read_row_groups, footer=footer))


def open_parquet_files(paths: Sequence[Path]) -> FileTable:
    """A table whose partitions are the files, in this order; they must have the same columns."""
    first, *others = paths
    with explained(first, _KIND), opened(first) as source, parquet_file(source) as file:
        footer, schema = file.metadata, file.schema_arrow
    check_names(schema, first)
    for path in others:
        with explained(path, _KIND), opened(path) as source, parquet_file(source) as file:
            check_same(file.schema_arrow, schema, path, first)
    return FileTable(_KIND, [Part(path) for path in paths], schema, owner_metadata(footer.metadata), read_row_groups)


def open_parquet_directory(path: Path) -> FileTable:
    """A table whose partitions are the part files in a directory, in the order of their numbers."""
    return open_parquet_files(part_files(path, _SUFFIXES))
