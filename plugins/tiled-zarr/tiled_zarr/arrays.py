"""Arrays of a store, read chunk by chunk."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tiled_zarr.chunks import Index, Touched, choose_grid, count_touched, touched
from tiled_zarr.codecs import Damaged, Layout, check_blosc
from tiled_zarr.folders import StoreFolder
from tiled_zarr.library import MAX_FILE, FolderStore, LibraryArray
from tiled_zarr.metadata import ArrayMetadata, NodeFiles, find_files
from tiled_zarr.shards import Shard
from tiled_zarr.texts import to_fixed, width_of
from tiledkernel.errors import NotReady, TooLarge, Unavailable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY, ArrayStructure
from tiledkernel.nodes.protocols import EncodedBlock
from tiledkernel.slices import Cut, cut_shape
from tiledkernel.specs import Spec

MAX_TOUCHED = 1_000_000  # chunks in one cut
MAX_STAMPED = 100_000  # chunks whose state is looked at for one cut
MAX_PIECES = 64  # chunks of texts that are measured


class ZarrArray:
    """An array: attributes as metadata, chunks as chunks, dimension names as dims."""

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(self, folder: StoreFolder, key: str, files: NodeFiles, described: ArrayMetadata) -> None:
        self._folder = folder
        self._key = key
        self._files = files
        self.described = described
        self.metadata: Mapping[str, Any] = described.attributes

    @cached_property
    def structure(self) -> ArrayStructure:
        """Shape, element type, and the chunks, or whole multiples of them where there would be too many."""
        described = self.described
        grid = choose_grid(described.shape, self._read_chunk, self._dtype.itemsize)
        return describe_array(described.shape, self._dtype, grid, described.dims)

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements, from the chunks that they lie in and no others."""
        if 0 in cut.shape:
            return np.empty(cut.shape, self._dtype)
        found = self._read_stored(cut)
        return to_fixed(found, self._dtype) if self.described.is_text else found

    def stamp(self, cut: Cut | None) -> Hashable:
        """The state of the metadata and of the files that the cut touches; None if they are too many to look at."""
        whole = cut or cut_shape((), self.described.shape)
        chunk = self.described.chunk
        if count_touched(whole, chunk) > MAX_STAMPED:
            return None
        digest = hashlib.blake2b(repr(self._files.stamp).encode(), digest_size=16)
        for part in touched(whole, chunk):
            digest.update(repr(self._folder.stamp(self._file_of(part.index))).encode())
        return digest.digest()

    def encoded_block(self, block: tuple[int, ...]) -> EncodedBlock | None:
        """The chunk as it rests, if that is gzip, zlib or zstd and nothing else, and it need not be cut.

        Each state of a chunk is decoded once, to see that it is whole, before it is sent like that.
        """
        described = self.described
        if described.coding is None or not self._is_whole_chunk(block):
            return None
        key = self._file_of(block)
        layout = described.storage
        assert isinstance(layout, Layout), "only whole chunks rest in a coding"
        stamp = self._folder.stamp(key)
        raw = self._folder.read(key, layout.limit)
        if raw is None:
            return None  # fill values
        if self._folder.remembered(("sound", key)) != (stamp, len(raw)):
            self._decoded(layout, raw, key)
            self._folder.remember(("sound", key), (stamp, len(raw)))
        return EncodedBlock(described.coding, raw)

    def _is_whole_chunk(self, block: tuple[int, ...]) -> bool:
        described = self.described
        if len(block) != len(described.shape) or any(
            self._grid[axis] != length for axis, length in enumerate(described.chunk)
        ):
            return False
        stops = (index * length + length for index, length in zip(block, described.chunk, strict=True))
        return all(stop <= length for stop, length in zip(stops, described.shape, strict=True))

    @cached_property
    def _grid(self) -> tuple[int, ...]:
        return tuple(lengths[0] for lengths in self.structure.chunks)

    @cached_property
    def _dtype(self) -> np.dtype[Any]:
        """The element type as it is served: texts have the width of the longest."""
        if not self.described.is_text:
            dtype: np.dtype[Any] = self.described.dtype
            return dtype
        return width_of(self.described.fill, self._some_texts())

    def _some_texts(self) -> Iterator[NDArray[Any]]:
        """All texts, chunk by chunk; of very many chunks only some."""
        described = self.described
        counts = [-(-length // step) for length, step in zip(described.shape, described.chunk, strict=True)]
        total = math.prod(counts)
        step = max(1, -(-total // MAX_PIECES))
        for number in range(0, total, step):
            index = np.unravel_index(number, counts) if counts else ()
            bounds = tuple(
                slice(int(at) * size, min((int(at) + 1) * size, length), 1)
                for at, size, length in zip(index, described.chunk, described.shape, strict=True)
            )
            yield self._read_stored(cut_shape(bounds, described.shape))

    # chunks

    @property
    def _read_chunk(self) -> tuple[int, ...]:
        """The shape of the smallest part that can be read by itself."""
        storage = self.described.storage
        return storage.layout.shape if isinstance(storage, Shard) else self.described.chunk

    def _file_of(self, index: Index) -> str:
        return self.described.keys.key(self._key, index)

    def _read_stored(self, cut: Cut) -> NDArray[Any]:
        described = self.described
        if described.storage is None:
            with self._blaming(self._key):
                return self._library.read(cut.index).astype(described.dtype, copy=False).reshape(cut.shape)
        count = count_touched(cut, self._read_chunk)
        if count > MAX_TOUCHED:
            raise TooLarge(
                f"this selection lies in {count:_} chunks, more than the {MAX_TOUCHED:_} that are read at once: use "
                "'slice' or 'block' to read it in parts"
            )
        result: NDArray[Any] | None = None
        blank: list[Index] = []
        for part, chunk in self._chunks(touched(cut, self._read_chunk)):
            if chunk is None:
                blank.append(part.index)
            elif count == 1:
                return chunk[(*part.inside, ...)]  # an array also where one element is left
            if result is None:
                result = np.empty(cut.shape, described.dtype)
            result[part.place] = described.fill if chunk is None else chunk[part.inside]
        if blank:
            self._check_blank(blank)
        assert result is not None, "a cut that is not empty touches a chunk"
        return result

    def _chunks(self, parts: Iterator[Touched]) -> Iterator[tuple[Touched, NDArray[Any] | None]]:
        """Chunks after what is wanted of them; None where nobody wrote one."""
        indices: dict[Index, NDArray[np.uint64] | None] = {}  # of the shards that were opened so far
        for part in parts:
            yield part, self._chunk(part.index, indices)

    def _chunk(self, index: Index, indices: dict[Index, NDArray[np.uint64] | None]) -> NDArray[Any] | None:
        """One chunk, decoded; None if nobody wrote it."""
        storage = self.described.storage
        if isinstance(storage, Shard):
            return self._chunk_of_shard(storage, index, indices)
        assert storage is not None, "what only the library knows is read by it"
        key = self._file_of(index)
        raw = self._folder.read(key, storage.limit)
        return None if raw is None else self._decoded(storage, raw, key)

    def _chunk_of_shard(
        self, shard: Shard, index: Index, indices: dict[Index, NDArray[np.uint64] | None]
    ) -> NDArray[Any] | None:
        outer = tuple(at // count for at, count in zip(index, shard.counts, strict=True))
        key = self._file_of(outer)
        with self._blaming(key):
            if outer not in indices:
                if len(indices) >= MAX_PIECES:
                    indices.clear()
                indices[outer] = shard.read_index(self._folder, key)
            places = indices[outer]
            if places is None:
                return None
            inner = tuple(at % count for at, count in zip(index, shard.counts, strict=True))
            raw = shard.read(self._folder, key, places[inner])
        return None if raw is None else self._decoded(shard.layout, raw, key)

    def _decoded(self, layout: Layout, raw: bytes, key: str) -> NDArray[Any]:
        with self._blaming(key):
            return layout.decode(raw)

    def _blaming(self, key: str) -> _Blaming:
        return _Blaming(key, self._folder.name)

    @cached_property
    def _library(self) -> LibraryArray:
        check = partial(check_blosc, limit=MAX_FILE) if self.described.outermost == "blosc" else None
        return LibraryArray(FolderStore(self._folder, check), self._key)

    def _check_blank(self, blank: Sequence[Index]) -> None:
        """Where chunks are missing, the store must still be what it was: else they may just have been removed."""
        del blank
        files = find_files(self._folder, self._key)
        if files is None:
            raise Unavailable(f"array {self._key!r} of {self._folder.name!r} was removed while it was read")
        if files.stamp != self._files.stamp:
            raise NotReady(f"array {self._key!r} of {self._folder.name!r} was changed while it was read: ask again")

    def __repr__(self) -> str:
        return f"<ZarrArray {self._key!r} of {self._folder.name!r}>"


class _Blaming:
    """Says which file is damaged."""

    __slots__ = ("_key", "_store")

    def __init__(self, key: str, store: str) -> None:
        self._key = key
        self._store = store

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Damaged):
            raise Unavailable(
                f"{self._key!r} of {self._store!r} is damaged: {error}; write it again, or restore it from a copy"
            ) from error
