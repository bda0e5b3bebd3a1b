"""The files in which the rows of a ragged array rest: archives, as they travel, of neighbouring rows each.

A file is never changed. What is written gets a new name, which the data source tells (its property `partitions`): for
each chunk of the first axis a file and the number of elements in it, or null if nobody has written it.
"""

from __future__ import annotations

import mmap
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import awkward
import msgspec
from msgspec import Struct, structs

from tiled_awkward.archives import read_archive, whole_archive
from tiled_awkward.buffers import put_together
from tiled_awkward.ragged.entries import buffers_of, entries_of
from tiled_awkward.ragged.fitting import size_of
from tiledkernel.errors import Unavailable
from tiledkernel.nodes.durable import place_file
from tiledkernel.nodes.protocols import DataSource

PROPERTY = "partitions"
_NAME = re.compile(r"([0-9]+)-([0-9]+)\.zip", re.ASCII)


class Partition(Struct, frozen=True):
    """A file, and how many elements its rows have."""

    file: str
    size: int


def partitions_of(source: DataSource, count: int) -> tuple[Partition | None, ...]:
    """The files of an array with so many chunks; Unavailable if the catalog does not tell them."""
    try:
        found = msgspec.convert(source.properties.get(PROPERTY), tuple[Partition | None, ...])
    except msgspec.ValidationError:
        found = ()
    if len(found) != count or not all(_NAME.fullmatch(part.file) for part in found if part is not None):
        raise Unavailable(f"the catalog does not tell in which files the {count} chunks of this array rest")
    return found


def with_partitions(source: DataSource, found: Sequence[Partition | None], **changes: Any) -> DataSource:
    """A data source with other files."""
    properties = {**source.properties, PROPERTY: msgspec.to_builtins(found)}
    return structs.replace(source, properties=properties, **changes)


def next_generation(found: Sequence[Partition | None]) -> int:
    """A number that none of these files has in its name; what was never acknowledged may, and is written over."""
    return 1 + max((int(part.file.partition("-")[2].removesuffix(".zip")) for part in found if part), default=0)


def place_partition(folder: Path, number: int, generation: int, rows: awkward.Array) -> Partition:
    """Write rows; the caller flushes the folder."""
    name = f"{number}-{generation}.zip"
    packed = awkward.to_packed(rows)
    content: Any = whole_archive(entries_of(packed))
    place_file(folder / name, content)
    return Partition(name, size_of(packed))


def read_partition(path: Path, rows: int, *, checked: bool) -> awkward.Array:
    """The rows in a file, which lie there until they are looked at; all of it is looked at if it is to be `checked`.

    Unavailable if it is damaged; FileNotFoundError if there is none.
    """
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        found = put_together(buffers_of(read_archive(content, checked=checked)))
    except (zipfile.BadZipFile, ValueError, TypeError, AssertionError) as error:
        raise Unavailable(f"the file {path.name!r} of this array is damaged: {error}; write it anew") from error
    if len(found) != rows:
        raise Unavailable(f"the file {path.name!r} of this array has {len(found)} rows instead of {rows}")
    return found
