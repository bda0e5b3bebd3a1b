"""Open Arrow files and streams as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from tiled_arrow.formats import arrow_in
from tiledkernel.families.table.files import explained, opened, part_files
from tiledkernel.families.table.parts import PARTITION, FileTable, Part
from tiledkernel.families.table.schemas import check_names, check_present, check_same, owner_metadata
from tiledkernel.nodes.stamps import stamp_of

_KIND = "Arrow"
_SUFFIXES = (".arrow", ".feather", ".arrows")


def open_arrow(path: Path) -> FileTable:
    """A table whose partitions are the record batches of one file or stream, small ones gathered."""
    with explained(path, _KIND), opened(path) as source:
        found = arrow_in(source, path.name)
        check_names(found.schema, path)
        stamp = stamp_of(path)
        parts = [Part(path, pieces, stamp) for pieces in found.divide(PARTITION)]
    return FileTable(_KIND, parts, found.schema, owner_metadata(found.noted), _read_part)


def open_arrow_files(paths: Sequence[Path]) -> FileTable:
    """A table whose partitions are the files, in this order; they must have the same columns."""
    first, *others = paths
    with explained(first, _KIND), opened(first) as source:
        found = arrow_in(source, first.name)
    check_names(found.schema, first)
    for path in others:
        with explained(path, _KIND), opened(path) as source:
            check_same(arrow_in(source, path.name).schema, found.schema, path, first)
    return FileTable(_KIND, [Part(path) for path in paths], found.schema, owner_metadata(found.noted), _read_part)


def open_arrow_directory(path: Path) -> FileTable:
    """A table whose partitions are the part files in a directory, in the order of their numbers."""
    return open_arrow_files(part_files(path, _SUFFIXES))


def _read_part(part: Part, wanted: pa.Schema) -> pa.Table:
    with opened(part.path, part.stamp) as source:
        found = arrow_in(source, part.path.name)
        check_present(found.schema, wanted, part.path)
        fields = [found.schema.get_field_index(name) for name in wanted.names]
        every = len(fields) == len(found.schema)
        # To Arrow, an empty list means all; where none is wanted, one is read and left out.
        return found.read(part.pieces, [] if every else fields or [0]).select(wanted.names)
