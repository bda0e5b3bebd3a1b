"""Sparse arrays that somebody uploads: a folder each, in it a Parquet file for each block.

A block is replaced by another file under its name; the whole array by another folder, which then the catalog names.
Every block has its file from the beginning, so that one that is missing is told from one without elements.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from msgspec import structs

from tiled_sparse.block_files import encode_block, place_blank, read_block
from tiled_sparse.drafts import blocks_of, check_structure, data_type, number_of, schema_of, structure_of
from tiled_sparse.elements import Elements, in_order, select
from tiled_sparse.structure import FAMILY, SparseStructure
from tiledkernel.blocks import Block, Chunks, block_bounds
from tiledkernel.errors import Conflict, NotFound, Unavailable
from tiledkernel.nodes.durable import new_folder, place_file, remove_emptied, write_file
from tiledkernel.nodes.holding import holding, unless_named
from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.stamps import stamp_of
from tiledkernel.nodes.storing import Keeper, Location, asset_uri, new_name, path_of_uri
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec

MEDIA_TYPE = "application/x-parquet;structure=sparse"


def create(source: DataSource, location: Location, name: str) -> DataSource:
    """Make a sparse array without elements."""
    structure = structure_of(source)
    check_structure(structure)
    return structs.replace(source, mimetype=MEDIA_TYPE, assets=_place(structure, location, name, {}))


def open_stored(source: DataSource, location: Location, keeper: Keeper) -> StoredSparse:
    """The array of a data source."""
    return StoredSparse(source, location, keeper)


def delete(source: DataSource, location: Location) -> None:
    """Remove the files of an array, and their folder if nothing else is in it."""
    paths = _paths_of(source, location).values()
    for path in paths:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in paths}:
        remove_emptied(folder)


def _place(
    structure: SparseStructure, location: Location, name: str, parts: Mapping[Block, Elements]
) -> tuple[Asset, ...]:
    """Write the files of all blocks, those that are not among `parts` without elements; what the catalog is to say."""
    schema = schema_of(structure)
    blocks = list(blocks_of(structure))
    names = [f"block-{'.'.join(map(str, block))}.parquet" for block in blocks]
    with new_folder(location.path_of(name)) as folder:
        if blank := [folder / file for file, block in zip(names, blocks, strict=True) if block not in parts]:
            place_blank(blank, schema)
        for file, block in zip(names, blocks, strict=True):
            if block in parts:
                place_file(folder / file, encode_block(parts[block], schema))  # type: ignore[arg-type] # has a buffer
    return tuple(
        Asset(
            data_uri=asset_uri(f"{location.uri_of(name)}/{file}"), is_directory=False, parameter="data_uris", num=number
        )
        for number, file in enumerate(names)
    )


class StoredSparse:
    """A sparse array whose blocks rest in files."""

    family: ClassVar[str] = FAMILY
    metadata: Mapping[str, Any] = {}
    specs: tuple[Spec, ...] = ()

    def __init__(self, source: DataSource, location: Location, keeper: Keeper) -> None:
        self.structure = structure_of(source)
        self._source = source
        self._location = location
        self._keeper = keeper

    # Reading

    def read(self, cut: Cut) -> Elements:
        """The stored elements in `cut`, with coordinates relative to it."""
        try:
            return self._read(self._source, cut)
        except FileNotFoundError as error:
            missing = Path(error.filename).name
        current = self._keeper.current()
        if current.assets == self._source.assets:
            raise Unavailable(f"the block file {missing!r}, which was written, is missing")
        return StoredSparse(current, self._location, self._keeper).read(cut)  # all was replaced meanwhile

    def _read(self, source: DataSource, cut: Cut) -> Elements:
        paths = _paths_of(source, self._location)
        dtype = data_type(self.structure)
        found: list[Elements] = []
        for block, number in self._touched(cut):
            bounds = block_bounds(block, self.structure.chunks)
            local = read_block(self._checked(paths, number), len(bounds), self.structure.shape, dtype)
            begins = np.array([bound.start for bound in bounds], np.int64).reshape(-1, 1)
            found.append(select(in_order(local._replace(coords=local.coords + begins)), cut))
        if len(found) == 1:
            return found[0]
        if not found:
            return Elements(np.empty((len(cut.shape), 0), np.int64), np.empty(0, dtype), cut.shape)
        coords = np.concatenate([part.coords for part in found], axis=1)
        values = np.concatenate([part.data for part in found]).astype(
            dtype, copy=False
        )  # which has forgotten the order
        return in_order(Elements(coords, values, cut.shape))

    def stamp(self, cut: Cut | None) -> Hashable:
        """What tells the files that a cut needs from others."""
        paths = _paths_of(self._source, self._location)
        numbers = sorted(paths) if cut is None else [number for _, number in self._touched(cut)]
        return tuple((str(paths[number]), stamp_of(paths[number])) for number in numbers if number in paths)

    def _touched(self, cut: Cut) -> Iterator[tuple[Block, int]]:
        """The blocks in which elements of a cut may lie, and their numbers."""
        chunks = self.structure.chunks
        ranges = [_overlapping(part, lengths) for part, lengths in zip(cut.index, chunks, strict=True)]
        for block in np.ndindex(*(len(found) for found in ranges)):
            index = tuple(found[at] for found, at in zip(ranges, block, strict=True))
            yield index, number_of(index, chunks)

    def _checked(self, paths: Mapping[int, Path], number: int) -> Path:
        """The real path of a block's file, inside the location."""
        if number not in paths:
            raise Unavailable(f"the catalog names no file for the block number {number} of this array")
        try:
            return SafeRoot(self._location.folder).check(paths[number])
        except NotFound as error:
            raise FileNotFoundError(2, "no such file", str(paths[number])) from error

    # Writing

    def write(self, elements: Elements) -> None:
        """Replace all elements: readers see those from before, or all of these."""
        parts = dict(_divided(elements, self.structure.chunks))
        if math.prod(map(len, self.structure.chunks)) == 1:
            ((block, part),) = parts.items() or [((0,) * len(self.structure.chunks), elements)]
            self.write_block(block, part)
            return
        name = new_name()
        made = structs.replace(self._source, assets=_place(self.structure, self._location, name, parts))
        with (
            unless_named(self._keeper, made, lambda: delete(made, self._location)),
            holding(self._keeper, self._folder_of) as source,
        ):
            if not self._is_same(source):
                raise _described_anew()
            self._keeper.commit(structs.replace(source, assets=made.assets))

    def write_block(self, block: Block, elements: Elements) -> None:
        """Replace the elements of one chunk; their coordinates are those within it."""
        block_bounds(block, self.structure.chunks)
        number = number_of(block, self.structure.chunks)
        content: Any = encode_block(elements, schema_of(self.structure))
        with holding(self._keeper, self._folder_of, shared=True) as source:
            if not self._is_same(source):
                raise _described_anew()
            write_file(_paths_of(source, self._location)[number], content)

    def _folder_of(self, source: DataSource) -> Path:
        return _paths_of(source, self._location)[0].parent

    def _is_same(self, source: DataSource) -> bool:
        """Whether the data still fit, although the array may have been described anew since it was opened."""
        return structure_of(source) == self.structure

    def __repr__(self) -> str:
        return f"<StoredSparse shape={self.structure.shape} of {len(self._source.assets)} blocks>"


def _described_anew() -> Conflict:
    return Conflict("the array was described anew while it was being written: look at it again")


def _paths_of(source: DataSource, location: Location) -> dict[int, Path]:
    """Where the blocks rest, by their numbers; Unavailable if that is no place for uploaded data."""
    files = {asset.num or 0: asset.data_uri for asset in source.assets if asset.parameter is not None}
    paths = {number: path_of_uri(uri) for number, uri in files.items()}
    for number, path in paths.items():
        if ".." in path.parts or not location.holds(files[number]):
            raise Unavailable(f"the block file {path.name!r} lies outside the place where uploaded data are kept")
    return paths


def _overlapping(part: int | slice, lengths: tuple[int, ...]) -> range:
    """The chunks along one axis in which some of the elements lie that a part of a cut selects."""
    low, high = (part, part + 1) if isinstance(part, int) else (part.start, part.stop)
    if low >= high:
        return range(0)
    edges = np.cumsum(lengths)
    return range(int(np.searchsorted(edges, low, "right")), int(np.searchsorted(edges, high - 1, "right")) + 1)


def _divided(elements: Elements, chunks: Chunks) -> Iterator[tuple[Block, Elements]]:
    """The elements of each block that has some, with coordinates within it."""
    if not len(elements.data):
        return
    edges = [np.concatenate([[0], np.cumsum(lengths)]) for lengths in chunks]
    places = [np.searchsorted(edge, column, "right") - 1 for edge, column in zip(edges, elements.coords, strict=True)]
    counts = tuple(map(len, chunks))
    numbers = np.ravel_multi_index(places, counts) if counts else np.zeros(len(elements.data), np.int64)
    order = np.argsort(numbers, kind="stable")
    present, starts = np.unique(numbers[order], return_index=True)
    for number, (start, stop) in zip(present, pairwise([*starts, len(order)]), strict=True):
        block = tuple(int(at) for at in np.unravel_index(number, counts)) if counts else ()
        chosen = order[start:stop]
        begins = np.array([edge[at] for edge, at in zip(edges, block, strict=True)], np.int64).reshape(-1, 1)
        shape = tuple(lengths[at] for lengths, at in zip(chunks, block, strict=True))
        yield block, Elements(elements.coords[:, chosen] - begins, elements.data[chosen], shape)
