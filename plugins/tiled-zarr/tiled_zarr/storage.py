"""Arrays that somebody uploads, kept as Zarr v3: one folder each, every file whole or not there.

What a call wrote is on disk when it returns. A process that is killed leaves each chunk as it was before, or as it was
to become. Writers exclude each other where they must, in threads as in processes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import zstandard
from numpy.typing import NDArray

from tiled_zarr.arrays import ZarrArray
from tiled_zarr.chunks import Index, Touched, count_touched, covers, touched
from tiled_zarr.codecs import Damaged, Layout
from tiled_zarr.describing import MAX_CHUNKS, check_size, chunk_to_store, describe_zarr, to_json
from tiledkernel.nodes.durable import locked, make_folders, place_file, sync_folder, write_file
from tiled_zarr.folders import StoreFolder
from tiled_zarr.groups import node_at
from tiled_zarr.metadata import ArrayMetadata, read_json
from tiledkernel.blocks import Block, block_bounds, regular_chunks
from tiledkernel.errors import KernelError, NotFound, Unavailable, Unprocessable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.slices import Cut, NDSlice, cut_shape

_LEVEL = 1
_CODING = "zstd"
_FILE = "zarr.json"
MAX_GAP = 1_000_000  # chunks that an array may grow by without their being written


class DoesNotFit(KernelError):
    """Data that reach beyond an array which may not grow."""

    status: ClassVar[int] = 409


class StoredArray:
    """An array in a folder of its own."""

    def __init__(self, path: Path) -> None:
        """Open one that is there; NotFound if there is none, Unavailable if it rests in another form than ours."""
        self.path = path
        self._folder = StoreFolder(path)
        if self._read_metadata().coding != _CODING:
            raise Unavailable(f"the array at {path.name!r} was not stored here: its chunks are no {_CODING} frames")

    @classmethod
    def create(cls, path: Path, structure: ArrayStructure, attributes: Mapping[str, Any] | None = None) -> StoredArray:
        """Make an array without data, all of whose elements are zero, empty or NaT.

        Its chunks are those of the structure if they are regular; otherwise they are chosen, of a few MiB.
        Unprocessable if the structure cannot be stored; FileExistsError if there is an array already.
        """
        chunk = chunk_to_store(structure)
        described = to_json(describe_zarr(structure, chunk, attributes or {}))
        make_folders(path)
        with locked(path):
            if (path / _FILE).exists():
                raise FileExistsError(f"there is an array at {path.name!r} already")
            write_file(path / _FILE, described)
        return cls(path)

    @property
    def structure(self) -> ArrayStructure:
        """Shape, element type and chunks, as they are now."""
        described = self._read_metadata()
        return describe_array(described.shape, described.dtype, described.chunk, described.dims)

    def node(self) -> ZarrArray:
        """The array as a node, to read from; made anew if the array has grown since."""
        node = node_at(self._folder, "")
        if not isinstance(node, ZarrArray):
            raise NotFound(f"no array at {self.path.name!r}")
        return node

    def write(self, data: NDArray[Any]) -> None:
        """Write everything."""
        self.write_part((), data)

    def write_block(self, block: Block, data: NDArray[Any], inside: NDSlice = ()) -> None:
        """Write one of the chunks that `structure` lists, or a slice of it; Unprocessable if there is no such chunk."""
        described = self._read_metadata()
        _check_block(block, described)
        bounds = block_bounds(block, regular_chunks(described.shape, described.chunk))
        cut = cut_shape(inside, tuple(bound.stop - bound.start for bound in bounds))
        index = tuple(
            part + bound.start
            if isinstance(part, int)
            else slice(part.start + bound.start, part.stop + bound.start, part.step)
            for part, bound in zip(cut.index, bounds, strict=True)
        )
        self._write_cut(Cut(index, cut.shape, cut.flipped), data)

    def write_part(self, index: NDSlice, data: NDArray[Any]) -> None:
        """Write what a slice selects, across as many chunks as that takes."""
        self._write_cut(cut_shape(index, self._read_metadata().shape), data)

    def append(self, data: NDArray[Any]) -> ArrayStructure:
        """Write data after the last of axis 0, which grows; two that append at once do so one after the other."""
        return self._extend(None, data)

    def patch(self, offset: Sequence[int], data: NDArray[Any], *, extend: bool = False) -> ArrayStructure:
        """Write data from `offset` on, whose missing numbers are 0; with `extend` the array grows as far as needed.

        DoesNotFit (409) if it would have to grow and may not. Returns the structure thereafter.
        """
        shape = self._read_metadata().shape
        start = _checked_offset(offset, data, shape)
        stop = tuple(at + length for at, length in zip(start, data.shape, strict=True))
        if all(end <= length for end, length in zip(stop, shape, strict=True)):
            self.write_part(tuple(itertools.starmap(slice, zip(start, stop, strict=True))), data)
            return self.structure
        if not extend:
            raise DoesNotFit(
                f"data of shape {data.shape} at offset {start} reach beyond the shape {shape} of the array. "
                "Use ?extend=true to let it grow"
            )
        return self._extend(start, data)

    # inside

    def _read_metadata(self) -> ArrayMetadata:
        return self.node().described

    @property
    def _layout(self) -> Layout:
        layout = self._read_metadata().storage
        assert isinstance(layout, Layout), "looked at when the array was opened"
        return layout

    def _write_cut(self, cut: Cut, data: NDArray[Any]) -> None:
        described = self._read_metadata()
        data = _checked_data(data, cut.shape, described)
        if cut.flipped:
            data = np.flip(data, cut.flipped)
        if 0 in cut.shape:
            return
        aligned = all(_is_full(part, described) for part in _bounded(cut, described.chunk))
        with locked(self.path, shared=aligned):
            self._write_chunks(self._read_metadata(), cut, data)

    def _write_chunks(self, described: ArrayMetadata, cut: Cut, data: NDArray[Any]) -> None:
        if 0 in cut.shape:
            return
        for part in _bounded(cut, described.chunk):
            chunk = described.blank(described.chunk)
            if not _is_full(part, described):
                self._take_over(described, part.index, chunk)
            chunk[part.inside] = data[part.place]
            self._write_chunk(part.index, chunk)
        sync_folder(self.path)

    def _take_over(self, described: ArrayMetadata, index: Index, chunk: NDArray[Any]) -> bool:
        """Copy what is stored of a chunk, as far as it lies in the array; whether there was more than that.

        There is if a process was killed between writing new elements and saying that the array has grown.
        """
        raw = self._folder.read(self._key(index), self._layout.limit)
        if raw is None:
            return False
        try:
            stored = self._layout.decode(raw)
        except Damaged as error:
            raise Unavailable(f"chunk {index} of {self.path.name!r} is damaged: {error}; write all of it") from error
        inside = tuple(
            slice(0, max(0, min(step, length - at * step)))
            for at, step, length in zip(index, described.chunk, described.shape, strict=True)
        )
        chunk[inside] = stored[inside]
        return stored.tobytes() != chunk.tobytes()

    def _write_chunk(self, index: Index, chunk: NDArray[Any]) -> None:
        data: Any = np.ascontiguousarray(chunk).reshape(-1).view(np.uint8)
        place_file(
            self.path / self._key(index), zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(data)
        )

    def _key(self, index: Index) -> str:
        return self._read_metadata().keys.key("", index)

    def _extend(self, start: Sequence[int] | None, data: NDArray[Any]) -> ArrayStructure:
        with locked(self.path):
            before = self._read_metadata()
            if start is None:
                start = _checked_offset(before.shape[:1], data, before.shape)
            stop = tuple(at + length for at, length in zip(start, data.shape, strict=True))
            shape = tuple(map(max, before.shape, stop))
            check_size(shape, before.chunk, before.dtype.itemsize)
            cut = cut_shape(tuple(itertools.starmap(slice, zip(start, stop, strict=True))), shape)
            data = _checked_data(data, cut.shape, before)
            self._clear(before, shape, {part.index for part in _bounded(cut, before.chunk)} if data.size else set())
            self._write_chunks(before, cut, data)
            described = dict(read_json(self._folder, _FILE) or {})
            described["shape"] = list(shape)
            write_file(self.path / _FILE, to_json(described))
        return self.structure

    def _clear(self, before: ArrayMetadata, shape: tuple[int, ...], written: set[Index]) -> None:
        """Remove what a killed process may have left where the array is about to grow."""
        grown = regular_chunks(shape, before.chunk)
        whole = tuple(length // step for length, step in zip(before.shape, before.chunk, strict=True))
        if math.prod(map(len, grown)) - math.prod(whole) - len(written) > MAX_GAP:
            raise Unprocessable(
                f"the array would grow from {before.shape} to {shape}, and more than {MAX_GAP:_} chunks would be left "
                "empty: write what lies between first",
                "query",
                "offset",
            )
        for index in _outside(tuple(map(len, grown)), whole):
            if index in written:
                continue
            chunk = before.blank(before.chunk)
            if any(at * step >= length for at, step, length in zip(index, before.chunk, before.shape, strict=True)):
                (self.path / self._key(index)).unlink(missing_ok=True)
            elif self._take_over(before, index, chunk):
                self._write_chunk(index, chunk)

    def __repr__(self) -> str:
        return f"<StoredArray {self.path.name!r}>"


def _outside(counts: tuple[int, ...], whole: tuple[int, ...]) -> Iterator[Index]:
    """The indices of a grid of `counts` that do not all lie below `whole`, each once."""
    for axis in range(len(counts)):
        inner = [range(min(count, full)) for count, full in zip(counts[:axis], whole[:axis], strict=True)]
        new = range(whole[axis], counts[axis])
        yield from itertools.product(*inner, new, *map(range, counts[axis + 1 :]))


def _bounded(cut: Cut, chunk: tuple[int, ...]) -> Iterator[Touched]:
    count = count_touched(cut, chunk)
    if count > MAX_CHUNKS:
        raise Unprocessable(f"{count:_} chunks are too many to be written at once", "body")
    return touched(cut, chunk)


def _is_full(part: Touched, described: ArrayMetadata) -> bool:
    """Whether all elements of a chunk that lie in the array are replaced, and no element was there before."""
    lengths = tuple(
        min(step, length - at * step)
        for at, step, length in zip(part.index, described.chunk, described.shape, strict=True)
    )
    return covers(part.inside, lengths)


def _check_block(block: Block, described: ArrayMetadata) -> None:
    counts = tuple(max(1, -(-length // step)) for length, step in zip(described.shape, described.chunk, strict=True))
    if len(block) != len(counts) or any(not 0 <= at < count for at, count in zip(block, counts, strict=True)):
        raise Unprocessable(f"no block {block!r}: this array has {counts} blocks along its axes", "query", "block")


def _checked_offset(offset: Sequence[int], data: NDArray[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    start = (*offset, *(0,) * (len(shape) - len(offset)))
    if len(start) != len(shape) or data.ndim != len(shape) or not shape or any(at < 0 for at in start):
        raise Unprocessable(
            f"data of shape {data.shape} at offset {tuple(offset)} do not fit an array of {len(shape)} dimensions: "
            "expected one length per dimension, and offsets of 0 or more",
            "query",
            "offset",
        )
    return start


def _checked_data(data: NDArray[Any], shape: tuple[int, ...], described: ArrayMetadata) -> NDArray[Any]:
    """The data in the element type of the array; Unprocessable if they are of another kind or shape."""
    if data.shape != shape:
        raise Unprocessable(f"data of shape {data.shape} do not fit: expected {shape}", "body")
    dtype: np.dtype[Any] = described.dtype
    if data.dtype == dtype:
        return data
    if data.dtype.newbyteorder("=") != dtype.newbyteorder("="):
        raise Unprocessable(f"elements of type {data.dtype} do not fit: expected {dtype}", "body")
    return data.astype(dtype)
