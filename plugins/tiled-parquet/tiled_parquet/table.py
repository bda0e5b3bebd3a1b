"""A table that rests in Parquet files."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from msgspec import Struct
from pyarrow import parquet

from tiled_parquet.files import explained, opened, read_row_groups
from tiledkernel.errors import NotReady, ReadFailed
from tiledkernel.families.table.memory import describe_table, index_columns
from tiledkernel.families.table.structure import FAMILY
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec


class Part(Struct, frozen=True):
    """One partition: some row groups of a file, or (None) all that it has when it is read."""

    path: Path
    row_groups: tuple[int, ...] | None = None


class Footer(Struct, frozen=True):
    """The footer of a file, parsed once, with the stamp that the file had then."""

    content: parquet.FileMetaData
    stamp: Hashable


class ParquetTable:
    """A table node; a partition decodes the row groups and columns that it needs and no others."""

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(
        self, parts: Sequence[Part], schema: pa.Schema, metadata: Mapping[str, Any], footer: Footer | None = None
    ) -> None:
        self._parts = tuple(parts)
        self._paths = tuple(dict.fromkeys(part.path for part in parts))
        self._schema = index_last(schema)
        self._footer = footer
        self.structure = describe_table(self._schema, len(self._parts))
        self.metadata = metadata

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pa.Table:
        """One partition, its index columns last; KeyError names a column that there is not."""
        schema = self._select(columns)
        part = self._parts[partition]
        with explained(part.path):
            footer = self._checked_footer(part.path)
            with opened(part.path, footer) as file:
                _check_present(file.schema_arrow, schema, part.path)
                groups = range(file.num_row_groups) if part.row_groups is None else part.row_groups
                table = read_row_groups(file, groups, schema.names)
        # Files of one table may differ in what pandas noted, such as the length of a range index.
        return table.replace_schema_metadata(schema.metadata)

    def _select(self, columns: Sequence[str] | None) -> pa.Schema:
        if columns is None:
            return self._schema
        index = [name for name in index_columns(self._schema) if name not in columns]
        return _reordered(self._schema, (*columns, *index))

    def _checked_footer(self, path: Path) -> parquet.FileMetaData | None:
        if self._footer is None:
            return None
        if file_stamp(path) != self._footer.stamp:
            raise NotReady(f"{path.name} was changed while it was being read: ask again")
        return self._footer.content

    def stamp(self, cut: Cut | None) -> Hashable:
        """Size and time of change of every file."""
        del cut
        return tuple(map(file_stamp, self._paths))

    def __repr__(self) -> str:
        return f"<ParquetTable {self._paths[0].name!r} of {len(self._paths)} files, {len(self._parts)} partitions>"


def file_stamp(path: Path) -> Hashable:
    """Differs after a file was changed or replaced; None if it is gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def index_last(schema: pa.Schema) -> pa.Schema:
    """The schema with the columns of a pandas index behind all others."""
    index = index_columns(schema)
    names = [name for name in schema.names if name not in index]
    return _reordered(schema, (*names, *index))


def _reordered(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    """The schema with only the columns `names`; what pandas noted stays."""
    fields: list[pa.Field[Any]] = [schema.field(name) for name in names]
    return pa.schema(fields).with_metadata(schema.metadata)


def _check_present(found: pa.Schema, wanted: pa.Schema, path: Path) -> None:
    """ReadFailed if a file of several has been replaced by one with other columns."""
    if difference := first_difference(found, wanted):
        raise ReadFailed(f"{path.name} no longer fits its table: {difference}")


def first_difference(found: pa.Schema, wanted: pa.Schema) -> str:
    """In what way `found` lacks something that is wanted, in words; empty if in none. More columns do not matter."""
    for field in wanted:
        position = found.get_field_index(field.name)
        if position < 0:
            return f"it has no column {field.name!r}"
        if found.field(position).type != field.type:
            return f"its column {field.name!r} is {found.field(position).type}, expected {field.type}"
    return ""
