"""Ragged arrays that somebody uploads: a folder each, in it a file for each chunk of the first axis.

Files are written under new names, and count once the catalog says so; then those that they replace are removed. So
readers see what one write has left, and what a killed process has left is written over by the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

import awkward
import msgspec
import numpy as np
from msgspec import structs

from tiled_awkward.folders import asset_of, delete_folder, folder_of
from tiled_awkward.ragged.fitting import blank, fitted
from tiled_awkward.ragged.partitions import (
    Partition,
    next_generation,
    partitions_of,
    place_partition,
    read_partition,
    with_partitions,
)
from tiled_awkward.ragged.structure import FAMILY, RaggedStructure
from tiledkernel.errors import Conflict, NotFound, Unavailable, Unprocessable
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.nodes.durable import new_folder, sync_folder
from tiledkernel.nodes.holding import holding
from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.storing import Keeper, Location
from tiledkernel.slices import Cut, NDSlice
from tiledkernel.specs import Spec

MEDIA_TYPE = "application/x-ragged-archives"
MAX_CHUNKS = 10_000
MANY = 100  # chunks; when there are so many, rows are added to the last one until it is no longer small
SMALL = 1 << 17  # elements
_KINDS = "biufcmM"
_WHERE = ("body", "data_sources", "structure")


def structure_of(source: DataSource) -> RaggedStructure:
    """The structure in a data source, which may have come as JSON; Unprocessable if it is none of a ragged array."""
    try:
        return msgspec.convert(source.structure, RaggedStructure)
    except msgspec.ValidationError as error:
        raise Unprocessable(f"this is no structure of a ragged array: {error}", *_WHERE) from None


def check_structure(structure: RaggedStructure) -> None:
    """Unprocessable says why such an array cannot be kept."""
    shape, chunks = structure.shape, structure.chunks
    if not shape or shape[0] is None or any(length is not None and length < 0 for length in shape):
        raise Unprocessable(
            f"a ragged array has a shape such as [3, null], whose first length is known, not {list(shape)}",
            *_WHERE, "shape",
        )  # fmt: skip
    first = chunks[0] if chunks else None
    if first is None or min(first, default=0) < 0 or sum(first) != shape[0] or not 1 <= len(first) <= MAX_CHUNKS:
        raise Unprocessable(
            f"the chunks of the first axis must add up to its length {shape[0]}, and be 1 to {MAX_CHUNKS:_}",
            *_WHERE, "chunks",
        )  # fmt: skip
    if chunks[1:] != tuple(None if length is None else (length,) for length in shape[1:]):
        raise Unprocessable(
            "only the first axis can be divided into chunks: write null for each other axis that varies, and [n] for "
            "one of length n",
            *_WHERE, "chunks",
        )  # fmt: skip
    if structure.dims is not None and len(structure.dims) != len(shape):
        raise Unprocessable(f"dims must name each of the {len(shape)} axes", *_WHERE, "dims")
    if structure.size < 0 or math.prod(length or 1 for length in shape[1:]) >= 1 << 62:
        raise Unprocessable("an array cannot have so many elements", *_WHERE, "size")
    _check_type(structure)


def _check_type(structure: RaggedStructure) -> None:
    try:
        dtype = to_numpy(structure.data_type)
    except (TypeError, ValueError) as error:
        raise Unprocessable(f"this is no type of elements: {error}", *_WHERE, "data_type") from None
    if dtype.kind not in _KINDS or not dtype.isnative:
        raise Unprocessable(
            f"elements of type {dtype} cannot be kept in a ragged array: use little-endian numbers, truth values or "
            "times",
            *_WHERE, "data_type",
        )  # fmt: skip


def create(source: DataSource, location: Location, name: str) -> DataSource:
    """Make a ragged array of which nothing is written."""
    structure = structure_of(source)
    check_structure(structure)
    with new_folder(location.path_of(name)):
        pass
    nothing = (None,) * len(_first(structure))
    return with_partitions(source, nothing, mimetype=MEDIA_TYPE, assets=(asset_of(location, name),))


def open_stored(source: DataSource, location: Location, keeper: Keeper) -> StoredRagged:
    """The array of a data source."""
    return StoredRagged(source, location, keeper)


delete: Callable[[DataSource, Location], None] = delete_folder


def open_foreign(source: DataSource, location: Location, keeper: Keeper) -> StoredRagged:
    """Not possible: rows that another program has put into a table of a database. New ones are kept in our own form."""
    del location, keeper
    raise Unavailable(
        f"this array rests in a table of a database, as {source.mimetype!r}, which is not read here: read it with the "
        "program that has stored it, and write it anew"
    )


def delete_foreign(source: DataSource, location: Location) -> None:
    """Nothing: the table has rows of other arrays, too."""
    del source, location


class StoredRagged:
    """A ragged array whose chunks rest in files."""

    family: ClassVar[str] = FAMILY
    metadata: Mapping[str, Any] = {}
    specs: tuple[Spec, ...] = ()

    def __init__(self, source: DataSource, location: Location, keeper: Keeper) -> None:
        self.structure = structure_of(source)
        self._source = source
        self._location = location
        self._keeper = keeper

    # Reading

    def read(self, parts: NDSlice) -> Any:
        """`array[parts]`, for which only the files are opened in which the rows lie."""
        try:
            return self._read(parts)
        except FileNotFoundError as error:
            missing = Path(error.filename).name
        current = self._keeper.current()
        if current.properties == self._source.properties and current.assets == self._source.assets:
            raise Unavailable(f"the file {missing!r} of this array, which was written, is missing")
        return StoredRagged(current, self._location, self._keeper).read(parts)  # it was written anew meanwhile

    def _read(self, parts: NDSlice) -> Any:
        count = sum(_first(self.structure))
        first, *others = parts or (slice(None),)
        if isinstance(first, int):
            if not -count <= first < count:
                raise IndexError(f"index {first} is out of bounds for axis 0 with size {count}")
            return self._rows(first % count, first % count + 1)[(0, *others)]
        selected = range(*first.indices(count))
        ends = sorted((selected[0], selected[-1])) if selected else (0, -1)
        low = ends[0]
        rows = self._rows(low, ends[1] + 1)
        if selected.step != 1:
            rows = rows[np.asarray(selected, np.int64) - low]
        return rows[(slice(None), *others)] if others else rows

    def _rows(self, low: int, high: int) -> awkward.Array:
        """The rows from one number to another, of which only those files are opened that have some."""
        chunks = _first(self.structure)
        partitions = partitions_of(self._source, len(chunks))
        found = []
        for begin, length, partition in zip(accumulate(chunks, initial=0), chunks, partitions, strict=False):
            start, stop = max(low - begin, 0), min(high - begin, length)
            if start < stop:
                found.append(self._part(partition, length, start, stop))
        if len(found) == 1:
            return found[0]
        return fitted(awkward.concatenate(found), self.structure) if found else blank(self.structure, 0)

    def _part(self, partition: Partition | None, length: int, start: int, stop: int) -> awkward.Array:
        if partition is None:
            return blank(self.structure, stop - start)
        whole = stop - start == length
        rows = read_partition(self._checked(partition.file), length, checked=whole)
        return rows if whole else rows[start:stop]

    def _checked(self, file: str) -> Path:
        try:
            return SafeRoot(self._location.folder).check(folder_of(self._source, self._location) / file)
        except NotFound as error:
            raise FileNotFoundError(2, "no such file", file) from error

    def stamp(self, cut: Cut | None) -> Hashable:
        """Which files count: none of them ever changes."""
        del cut
        partitions = partitions_of(self._source, len(_first(self.structure)))
        return str(folder_of(self._source, self._location)), next_generation(partitions)

    # Writing

    def write(self, rows: awkward.Array) -> None:
        """Replace all rows: readers see those from before, or all of these."""
        rows = fitted(rows, self.structure)
        with self._writing() as (source, structure, before):
            chunks = _first(structure) if len(rows) == structure.shape[0] else (len(rows),)
            bounds = zip(accumulate(chunks, initial=0), chunks, strict=False)
            pieces = [rows[begin : begin + length] for begin, length in bounds]
            described = structs.replace(structure, **_lengths(structure, chunks))
            self._commit(source, before, described, dict(enumerate(pieces)))

    def write_block(self, block: int, rows: awkward.Array) -> None:
        """Replace the rows of one chunk of the first axis."""
        rows = fitted(rows, self.structure)
        with self._writing() as (source, structure, before):
            chunks = _first(structure)
            if not 0 <= block < len(chunks):
                raise Unprocessable(
                    f"no block {block}: this array has {len(chunks)}, numbered from 0", "query", "block", value=block
                )
            if len(rows) != chunks[block]:
                raise Unprocessable(
                    f"the block {block} has {chunks[block]} rows, not {len(rows)}: all of them are replaced", "body"
                )
            self._commit(source, before, structure, {block: rows})

    def patch(self, offset: Sequence[int], rows: awkward.Array, *, extend: bool = False) -> RaggedStructure:
        """Add rows at the end, all or none."""
        rows = fitted(rows, self.structure)
        with self._writing() as (source, structure, before):
            chunks = _first(structure)
            _check_offset(offset, sum(chunks), extend=extend)
            if not len(rows):
                return structure
            last = before[-1]
            if chunks == (0,):
                chunks = (len(rows),)
            elif len(chunks) >= MANY and last is not None and last.size + chunks[-1] < SMALL:
                there = read_partition(self._checked(last.file), chunks[-1], checked=True)
                rows = fitted(awkward.concatenate([there, rows]), structure)
                chunks = (*chunks[:-1], len(rows))
            else:
                chunks = (*chunks, len(rows))
            grown = structs.replace(structure, **_lengths(structure, chunks))
            return self._commit(source, before, grown, {len(chunks) - 1: rows})

    @contextmanager
    def _writing(self) -> Iterator[tuple[DataSource, RaggedStructure, tuple[Partition | None, ...]]]:
        """The data source, its structure and its files as they are by now; meanwhile nobody else changes them."""
        with holding(self._keeper, lambda source: folder_of(source, self._location)) as source:
            structure = structure_of(source)
            if (structure.data_type, structure.shape[1:]) != (self.structure.data_type, self.structure.shape[1:]):
                raise Conflict("the array was described anew while it was being written: look at it again")
            yield source, structure, partitions_of(source, len(_first(structure)))

    def _commit(
        self,
        source: DataSource,
        before: tuple[Partition | None, ...],
        structure: RaggedStructure,
        written: Mapping[int, awkward.Array],
    ) -> RaggedStructure:
        """Write some chunks, let the catalog know, remove what they replace; the structure with the right size."""
        folder = folder_of(source, self._location)
        generation = next_generation(before)
        after = [*before[: len(_first(structure))], *(None,) * (len(_first(structure)) - len(before))]
        for number, rows in written.items():
            after[number] = place_partition(folder, number, generation, rows)
        sync_folder(folder)
        structure = structs.replace(structure, size=_size(structure, before, after))
        self._keeper.commit(with_partitions(source, after, structure=structure))
        kept = {part.file for part in after if part is not None}
        for part in before:
            if part is not None and part.file not in kept:
                (folder / part.file).unlink(missing_ok=True)
        return structure

    def __repr__(self) -> str:
        return f"<StoredRagged shape={self.structure.shape}>"


def _first(structure: RaggedStructure) -> tuple[int, ...]:
    """The chunks of the first axis."""
    assert structure.chunks[0] is not None, "looked at when the array was made"
    return structure.chunks[0]


def _lengths(structure: RaggedStructure, chunks: tuple[int, ...]) -> dict[str, Any]:
    """What changes of a structure if the first axis has these chunks."""
    return {"shape": (sum(chunks), *structure.shape[1:]), "chunks": (chunks, *structure.chunks[1:])}


def _size(structure: RaggedStructure, before: Sequence[Partition | None], after: Sequence[Partition | None]) -> int:
    """How many elements there are; as long as some are yet to be written, how many were promised, and added."""
    if None not in after:
        return sum(part.size for part in after if part is not None)
    size = structure.size
    for number, part in enumerate(after):
        if part is not None and number >= len(before):
            size += part.size
        elif part is not None and (replaced := before[number]) is not None:
            size += part.size - replaced.size
    return size


def _check_offset(offset: Sequence[int], rows: int, *, extend: bool) -> None:
    if not offset or offset[0] != rows or any(offset[1:]):
        given = ",".join(map(str, offset))
        raise Conflict(f"rows can only be added at the end of this ragged array, at the offset {rows}, not {given}")
    if not extend:
        raise Conflict(f"rows at the offset {rows} are beyond the end of this array. Use ?extend=true to let it grow.")
