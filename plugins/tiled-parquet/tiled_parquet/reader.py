"""Open Parquet files as tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from tiled_parquet.files import explained, opened, owner_metadata
from tiled_parquet.table import Footer, ParquetTable, Part, file_stamp, first_difference

# Uncompressed bytes that small row groups are gathered to; a row group that is larger stays whole.
PARTITION = 64 << 20
_SUFFIXES = (".parquet", ".pq")


def open_parquet(path: Path) -> ParquetTable:
    """A table whose partitions are the row groups of one file, small ones gathered."""
    stamp = file_stamp(path)
    with explained(path), opened(path) as file:
        footer, schema = file.metadata, file.schema_arrow
    _check_names(schema, path)
    parts = [Part(path, groups) for groups in _gather(footer)]
    return ParquetTable(parts, schema, owner_metadata(footer), Footer(footer, stamp))


def _gather(footer: parquet.FileMetaData) -> Iterator[tuple[int, ...]]:
    """Row groups, neighbours together up to `PARTITION`; a file without rows has one part, of none."""
    gathered: list[int] = []
    total = 0
    for group in range(footer.num_row_groups):
        size = footer.row_group(group).total_byte_size
        if gathered and total + size > PARTITION:
            yield tuple(gathered)
            gathered, total = [], 0
        gathered.append(group)
        total += size
    if gathered or not footer.num_row_groups:
        yield tuple(gathered)


def open_parquet_files(paths: Sequence[Path]) -> ParquetTable:
    """A table whose partitions are the files, in this order; they must have the same columns."""
    first, *others = paths
    with explained(first), opened(first) as file:
        footer, schema = file.metadata, file.schema_arrow
    _check_names(schema, first)
    for path in others:
        with explained(path), opened(path) as file:
            _check_same(file.schema_arrow, schema, path, first)
    return ParquetTable([Part(path) for path in paths], schema, owner_metadata(footer))


def open_parquet_directory(path: Path) -> ParquetTable:
    """A table whose partitions are the part files in a directory, in the order of their numbers."""
    parts = sorted(_part_files(path), key=lambda part: _natural_order(part.name))
    if not parts:
        nested = next((f"; {folder.name!r} is a folder, which is not looked into" for folder in _folders(path)), "")
        raise ValueError(f"{path.name} holds no file that ends in {' or '.join(_SUFFIXES)}{nested}")
    return open_parquet_files(parts)


def _part_files(path: Path) -> Iterator[Path]:
    """The data files; names that begin with '_' or '.' are notes that writers leave."""
    for part in path.iterdir():
        if part.suffix.lower() in _SUFFIXES and not part.name.startswith(("_", ".")) and part.is_file():
            yield part


def _folders(path: Path) -> Iterable[Path]:
    return (entry for entry in sorted(path.iterdir()) if entry.is_dir())


def _natural_order(name: str) -> list[tuple[int, str]]:
    """A key that sorts 'part.10' behind 'part.9'."""
    pieces: list[str] = re.split(r"(\d+)", name)
    return [(int(piece), piece) if piece.isdecimal() else (-1, piece) for piece in pieces]


def _check_names(schema: pa.Schema, path: Path) -> None:
    repeated = [name for name, count in Counter(schema.names).items() if count > 1]
    if repeated:
        raise ValueError(
            f"{path.name} has several columns named {repeated[0]!r}: a table is read by the names of its columns, "
            "so write it again with distinct ones"
        )


def _check_same(found: pa.Schema, wanted: pa.Schema, path: Path, first: Path) -> None:
    difference = first_difference(found, wanted)
    if not difference and len(found) > len(wanted):
        difference = f"it has a column {next(name for name in found.names if name not in wanted.names)!r} more"
    if difference:
        raise ValueError(
            f"{path.name} does not fit {first.name}: {difference}; files of one table have the same columns"
        )
