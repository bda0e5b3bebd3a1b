"""Arrays that somebody uploads, wherever they rest: read as any Zarr array, and written.

The catalog says what shape an array has. What lies beyond that in a chunk was never acknowledged.
"""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from tiled_zarr.arrays import ZarrArray
from tiled_zarr.chunks import MAX_BLOCK, Index, Touched, count_touched, covers, touched
from tiled_zarr.codecs import Damaged, Layout
from tiled_zarr.describing import MAX_CHUNKS, check_size, stored_metadata
from tiled_zarr.encoding import CODING, encode_chunk
from tiled_zarr.metadata import ArrayMetadata, NodeFiles
from tiledkernel.blocks import block_bounds
from tiledkernel.errors import Conflict, NotAllowed, NotFound, Unavailable, Unprocessable
from tiledkernel.families.array.cuts import check_inside, reaches_beyond
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.storing import Keeper
from tiledkernel.slices import Cut, NDSlice, Part, cut_shape

CHUNK = "chunk_shape"  # the property of a data source that says in which chunks an array rests
MEDIA_TYPE = "application/x-zarr"
METADATA = "zarr.json"
SUFFIX = ".zarr"
_MOST = 100_000  # chunks by which an axis grows at once


def structure_of(source: DataSource) -> ArrayStructure:
    """What the array of a data source looks like; Unprocessable if that is none of an array."""
    if isinstance(source.structure, ArrayStructure):
        return source.structure
    try:
        return msgspec.convert(source.structure, ArrayStructure)
    except msgspec.ValidationError as error:
        raise Unprocessable(f"this is no structure of an array: {error}", "body", "data_sources", "structure") from None


def uris_of(source: DataSource) -> tuple[str, ...]:
    """Where the data lie."""
    return tuple(asset.data_uri for asset in source.assets)


def described_by(source: DataSource) -> ArrayMetadata | None:
    """How an array rests that was stored here; None for others."""
    chunk = source.properties.get(CHUNK)
    return None if chunk is None else stored_metadata(structure_of(source), tuple(chunk))


class StoredArray(ZarrArray):
    """An array in a place of its own, in the state that a data source tells; a write may lead to another state."""

    def __init__(self, folder: Any, source: DataSource, described: ArrayMetadata, keeper: Keeper) -> None:
        state = (uris_of(source), described.shape)
        super().__init__(folder, "", NodeFiles(METADATA, state), described)
        self.source = source
        self._keeper = keeper
        self._structure = structure_of(source)

    @property
    def structure(self) -> ArrayStructure:
        """Shape, element type and chunks, as the catalog has them."""
        return self._structure

    def _is_whole_chunk(self, block: tuple[int, ...]) -> bool:
        chunk = self.described.chunk
        if len(block) != len(chunk):
            return False
        bounds = block_bounds(block, self._structure.chunks)
        return all(
            bound.start % step == 0 and bound.stop - bound.start == step
            for bound, step in zip(bounds, chunk, strict=True)
        )

    def bounds_of(self, block: tuple[int, ...]) -> tuple[slice, ...]:
        """What a block covers."""
        return block_bounds(block, self._structure.chunks)

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements, from the chunks that they lie in and no others."""
        try:
            return super().read(cut)
        except Unavailable:
            current = self._keeper.current()
            if uris_of(current) == uris_of(self.source):
                raise
            return self._opened(current).read(cut)  # it was written anew, and the old chunks removed

    def _check_kept(self) -> None:
        """Unavailable if the data lie elsewhere by now: what is missing here may just have been removed."""
        if uris_of(self._keeper.current()) != uris_of(self.source):
            raise Unavailable("this array was replaced while it was read")

    @abstractmethod
    def _opened(self, source: DataSource) -> StoredArray:
        """The array in another state."""

    def _may_be_named(self, made: DataSource) -> bool:
        """Whether the catalog knows, or cannot say that it does not know, data in a new place."""
        try:
            return uris_of(self._keeper.current()) == uris_of(made)
        except NotFound:
            return False
        except Exception:  # noqa: BLE001 - the failure that led here is what is told
            return True

    # Writing

    def write(self, data: NDArray[Any]) -> None:
        """Write everything; readers see what was before, or all of it."""
        data = self._checked(data, self._structure.shape)
        if not data.size:
            return
        in_one = all(length <= step for length, step in zip(data.shape, self.described.chunk, strict=True))
        if not in_one or not self._is_plain:
            self._replace(data)
        else:
            self._write_cut(cut_shape((), data.shape), data)

    def write_block(self, block: tuple[int, ...], data: NDArray[Any], inside: NDSlice = ()) -> None:
        """Write one of the chunks that the structure lists, or a slice of it."""
        bounds = block_bounds(block, self._structure.chunks)
        cut = cut_shape(inside, tuple(bound.stop - bound.start for bound in bounds))
        index = tuple(_shifted(part, bound.start) for part, bound in zip(cut.index, bounds, strict=True))
        self._write_flipped(Cut(index, cut.shape, cut.flipped), data)

    def patch(self, offset: Sequence[int], data: NDArray[Any], *, extend: bool = False) -> ArrayStructure:
        """Write from `offset` on, whose missing numbers are 0; with `extend` the array grows as far as needed."""
        shape = self._structure.shape
        start = checked_offset(offset, data.shape, shape)
        data = self._checked(data, data.shape)
        if not extend:
            check_inside(start, data.shape, shape)
        elif reaches_beyond(start, data.shape, shape):
            return self._grow(start, data)
        self._write_flipped(cut_shape(box(start, data.shape), shape), data)
        return self._structure

    def _write_flipped(self, cut: Cut, data: NDArray[Any]) -> None:
        data = self._checked(data, cut.shape)
        if cut.flipped:
            data = np.flip(data, cut.flipped)
        if data.size:
            self._write_cut(cut, data)

    @abstractmethod
    def _write_cut(self, cut: Cut, data: NDArray[Any]) -> None:
        """Write some elements inside the array: all or none."""

    @abstractmethod
    def _replace(self, data: NDArray[Any]) -> None:
        """Write all elements anew, in a place that the catalog then names."""

    @abstractmethod
    def _grow(self, start: tuple[int, ...], data: NDArray[Any]) -> ArrayStructure:
        """Write elements some of which lie beyond the shape, and let the catalog know the new one."""

    # What both need

    @property
    def _is_plain(self) -> bool:
        """Whether chunks rest as they are written here."""
        return isinstance(self.described.storage, Layout) and self.described.coding == CODING

    @property
    def _layout(self) -> Layout:
        layout = self.described.storage
        if not self._is_plain or not isinstance(layout, Layout):
            raise NotAllowed(
                "this array was stored by another program, in a form in which no parts are written here: write it as a "
                "whole"
            )
        return layout

    def _checked(self, data: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """The data in the element type of the array; Unprocessable if they are of another kind or shape."""
        if data.shape != shape:
            raise Unprocessable(f"data of shape {data.shape} do not fit: expected {shape}", "body")
        dtype: np.dtype[Any] = self.described.dtype
        if data.dtype == dtype:
            return data
        if data.dtype.newbyteorder("=") != dtype.newbyteorder("="):
            raise Unprocessable(f"elements of type {data.dtype} do not fit: expected {dtype}", "body")
        return data.astype(dtype)

    def _touched(self, cut: Cut) -> Iterator[Touched]:
        count = count_touched(cut, self.described.chunk)
        if count > MAX_CHUNKS:
            raise Unprocessable(f"{count:_} chunks are too many to be written at once", "body")
        return touched(cut, self.described.chunk)

    def _fills(self, part: Touched, *, to_the_edge: bool = True) -> bool:
        """Whether all elements of a chunk are replaced, as far as they lie in the array."""
        described = self.described
        if not to_the_edge:
            return covers(part.inside, described.chunk)
        return covers(part.inside, self._inside(part.index))

    def _inside(self, index: Index) -> tuple[int, ...]:
        """How many elements of a chunk lie in the array, along each axis."""
        described = self.described
        return tuple(
            max(0, min(step, length - at * step))
            for at, step, length in zip(index, described.chunk, described.shape, strict=True)
        )

    def _encoded(self, part: Touched, data: NDArray[Any], stored: Any | None, *, trimmed: bool = False) -> bytes:
        """A chunk with its part of the data, upon what is stored of it already; if `trimmed`, inside the array."""
        described, layout = self.described, self._layout
        where: Any = (*part.place, ...)  # the ellipsis keeps an array where all axes are integers
        piece = data[where]
        if covers(part.inside, layout.shape):
            return encode_chunk(piece)
        chunk = described.blank(layout.shape)
        if stored is not None:
            lengths = self._inside(part.index) if trimmed else described.chunk
            found = tuple(slice(0, length) for length in lengths)
            chunk[found] = self._decode(part.index, stored)[found]
        chunk[part.inside] = piece
        return encode_chunk(chunk)

    def _decode(self, index: Index, stored: Any) -> NDArray[Any]:
        try:
            return self._layout.decode(stored)
        except Damaged as error:
            raise Unavailable(
                f"chunk {self._file_of(index)!r} of {self._folder.name!r} is damaged: {error}; write all of it anew"
            ) from error

    def _grown(self, start: tuple[int, ...], data: NDArray[Any]) -> tuple[DataSource, Cut]:
        """The data source once the array reaches as far as the data, and the cut that they are of it."""
        before = self._structure
        stop = tuple(at + length for at, length in zip(start, data.shape, strict=True))
        shape = tuple(map(max, before.shape, stop))
        check_size(shape, self.described.chunk, before.data_type.itemsize)
        row = [max(*lengths, 1) for lengths in before.chunks]
        chunks = tuple(
            _more(lengths, new - old, _longest(axis, row, self.described.chunk[axis], before.data_type.itemsize))
            for axis, (lengths, old, new) in enumerate(zip(before.chunks, before.shape, shape, strict=True))
        )
        if math.prod(map(len, chunks)) > MAX_CHUNKS:
            raise Unprocessable(
                f"the array would have more than {MAX_CHUNKS:_} chunks: write it anew with larger ones, and let it "
                "grow by more at a time",
                "query",
                "shape",
            )
        source = structs.replace(self.source, structure=structs.replace(before, shape=shape, chunks=chunks))
        return source, cut_shape(box(start, data.shape), shape)


def checked_offset(offset: Sequence[int], lengths: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """An offset with a number for each axis; Unprocessable if it, or the data, have another number of axes."""
    start = (*offset, *(0,) * (len(shape) - len(offset)))
    if len(start) != len(shape) or len(lengths) != len(shape) or any(at < 0 for at in start):
        raise Unprocessable(
            f"data of shape {lengths} at offset {tuple(offset)} do not fit an array of {len(shape)} dimensions: "
            "expected one length per dimension, and offsets of 0 or more",
            "query",
            "offset",
        )
    return start


def check_still(shape: tuple[int, ...], written: tuple[int, ...]) -> None:
    """Conflict if an array has not the shape any more of the data that are to replace it."""
    if shape != written:
        raise Conflict(
            f"the array has grown to the shape {shape} while data of shape {written} were written: ask for its "
            "structure again"
        )


def with_properties(source: DataSource, **changes: Any) -> DataSource:
    """A data source with other properties."""
    properties: Mapping[str, Any] = {**source.properties, **changes}
    return structs.replace(source, properties=dict(properties))


def box(start: Sequence[int], lengths: Sequence[int]) -> tuple[slice, ...]:
    """What data at an offset cover."""
    return tuple(itertools.starmap(slice, ((at, at + length) for at, length in zip(start, lengths, strict=True))))


def _shifted(part: Part, start: int) -> Part:
    return part + start if isinstance(part, int) else slice(part.start + start, part.stop + start, part.step)


def _longest(axis: int, row: Sequence[int], step: int, itemsize: int) -> int:
    """How long a new chunk may be along an axis: what can be sent at once, in whole stored chunks if possible."""
    others = math.prod(row[:axis]) * math.prod(row[axis + 1 :])
    longest = max(1, MAX_BLOCK // (others * itemsize))
    return longest // step * step or longest


def _more(lengths: tuple[int, ...], added: int, longest: int) -> tuple[int, ...]:
    """Chunk lengths along an axis that has grown."""
    if not added:
        return lengths
    step = max(longest, -(-added // _MOST))
    full, rest = divmod(added, step)
    new = (step,) * full + ((rest,) if rest else ())
    return new if lengths == (0,) else (*lengths, *new)
