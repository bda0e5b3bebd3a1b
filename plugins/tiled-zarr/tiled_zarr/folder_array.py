"""Uploaded arrays in folders: every file whole or not there, writers excluded by the lock of the folder.

- `zarr.json` lets any program read the array. It is there as long as the folder is the one that counts, and says what
  shape the array has, if nobody was killed in between; where it disagrees with what we know, the catalog is asked.
- One chunk is replaced by an atomic rename, several by way of a journal (`staging.py`), all of them by another folder.
- `.written` names chunks that were written, one in a line: that one of these is missing is an error. It is no more
  than a witness, and not flushed to disk.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import structs
from numpy.typing import NDArray

from tiled_zarr.arrays import ZarrArray
from tiled_zarr.chunks import Index, Touched
from tiled_zarr.describing import chunk_to_store, describe_zarr, to_json
from tiled_zarr.folders import StoreFolder
from tiled_zarr.groups import node_at
from tiled_zarr.metadata import ArrayMetadata, read_json
from tiled_zarr.staging import is_pending, settle, staging
from tiled_zarr.stored import (
    CHUNK,
    MEDIA_TYPE,
    METADATA,
    SUFFIX,
    StoredArray,
    box,
    check_still,
    described_by,
    structure_of,
    uris_of,
    with_properties,
)
from tiledkernel.errors import NotFound, Unavailable
from tiledkernel.families.array.cuts import reaches_beyond
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.nodes.durable import locked, make_folders, new_folder, place_file, sync_folder, write_file
from tiledkernel.nodes.protocols import Asset, DataSource, EncodedBlock
from tiledkernel.nodes.storing import Keeper, Location, asset_uri, new_name, path_of_uri
from tiledkernel.slices import Cut, cut_shape

_RETIRED = ".retired.json"  # what zarr.json is called where another folder is about to count
_WRITTEN = ".written"
_CHANGE = "change"  # the property of a data source that says which change the catalog knows of


def make_array(source: DataSource, structure: ArrayStructure, location: Location, name: str) -> DataSource:
    """Make the folder of an array without data, on disk when this returns; the data source with it as its asset.

    Unprocessable if no such array can be stored.
    """
    chunk = chunk_to_store(structure)
    with new_folder(location.path_of(f"{name}{SUFFIX}")) as path:
        place_file(path / METADATA, to_json(describe_zarr(structure, chunk, {})))
    asset = Asset(data_uri=asset_uri(location.uri_of(f"{name}{SUFFIX}")), is_directory=True, parameter="data_uri")
    return structs.replace(
        source, mimetype=MEDIA_TYPE, structure=structure, properties={CHUNK: list(chunk)}, assets=(asset,)
    )


def open_array(source: DataSource, location: Location, keeper: Keeper) -> FolderArray:
    """The array of a data source; Unavailable if its folder is gone."""
    while True:
        path = folder_of(source, location)
        try:
            folder = _folder(path)
            return FolderArray(folder, source, _described(folder, source), keeper, location)
        except NotFound:
            _folder.cache_clear()
        source = _moved(source, keeper.current(), path)


def _moved(source: DataSource, current: DataSource, path: Path) -> DataSource:
    """The current data source, if it has another folder than the one that is gone."""
    if uris_of(current) == uris_of(source):
        raise Unavailable(f"the folder {path.name!r} is gone, in which this array was stored: restore it from a copy")
    return current


def folder_of(source: DataSource, location: Location) -> Path:
    """The folder in which the array of a data source is stored; Unavailable if that is none of the location."""
    for asset in source.assets:
        if asset.parameter == "data_uri" and location.holds(asset.data_uri):
            return path_of_uri(asset.data_uri)
    raise Unavailable("this array has no folder in the place where it was stored")


@lru_cache(maxsize=128)
def _folder(path: Path) -> StoreFolder:
    """The folder, with what is known of its chunks."""
    return StoreFolder(path)


def _described(folder: StoreFolder, source: DataSource) -> ArrayMetadata:
    """How an array rests: as it was made here, or as the program said that has stored it."""
    found = described_by(source)
    if found is not None:
        return found
    node = node_at(folder, "")
    if not isinstance(node, ZarrArray):
        raise Unavailable(f"{folder.name!r} holds no array")
    return structs.replace(node.described, shape=structure_of(source).shape)


class FolderArray(StoredArray):
    """An array in a folder."""

    def __init__(
        self, folder: StoreFolder, source: DataSource, described: ArrayMetadata, keeper: Keeper, location: Location
    ) -> None:
        super().__init__(folder, source, described, keeper)
        self.path = folder.path
        self._location = location

    # Reading

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements, from the chunks that they lie in and no others."""
        self._wait_for_change()
        return super().read(cut)

    def encoded_block(self, block: tuple[int, ...]) -> EncodedBlock | None:
        """The chunk as it rests, if it need not be cut."""
        self._wait_for_change()
        return super().encoded_block(block)

    def stamp(self, cut: Cut | None) -> Any:
        """The state of the chunks that the cut touches; None if they are too many to look at."""
        self._wait_for_change()
        return super().stamp(cut)

    def _wait_for_change(self) -> None:
        if is_pending(self.path):
            with self.held():
                pass

    def _check_blank(self, blank: Sequence[Index]) -> None:
        """Chunks are missing because nobody wrote them, or else something is wrong."""
        if self._folder.stamp(METADATA) is None and self._folder.stamp(_RETIRED) is None:
            raise Unavailable(f"the folder {self.path.name!r} is gone, in which this array was stored")
        written = self._written()
        for index in blank:
            if self._file_of(index) in written:
                raise Unavailable(
                    f"the file {self._file_of(index)!r} of {self.path.name!r} is gone, in which a part of this array "
                    "was stored: restore it from a copy, or write it again"
                )
        self._check_kept()

    def _written(self) -> frozenset[str]:
        stamp = self._folder.stamp(_WRITTEN)
        known = self._folder.remembered(_WRITTEN)
        if known is not None and known[0] == stamp:
            found: frozenset[str] = known[1]
            return found
        found = frozenset((self._folder.read(_WRITTEN, 1 << 30) or b"").decode().split())
        self._folder.remember(_WRITTEN, (stamp, found))
        return found

    # Writing

    def _write_cut(self, cut: Cut, data: NDArray[Any]) -> None:
        if self.is_one_chunk(cut):
            with self.held(shared=True) as array:
                if array.is_one_chunk(cut):  # also if the array has grown
                    array.write_here(cut, data)
                    return
        with self.held() as array:
            array.write_here(cut, data)

    def is_one_chunk(self, cut: Cut) -> bool:
        """Whether what is written is one chunk as far as it lies in the array, so that nothing need be read before."""
        parts = list(itertools.islice(self._touched(cut), 2))
        return len(parts) == 1 and self._fills(parts[0])

    def write_here(self, cut: Cut, data: NDArray[Any]) -> None:
        """Write elements inside the array, while the lock is held."""
        parts = list(self._touched(cut))
        if len(parts) == 1:
            key = self._file_of(parts[0].index)
            content = self._upon_stored(parts[0], data)
            is_new = self._folder.stamp(key) is None
            self._place(key, content)
            if is_new:
                self._bear_witness([key])
            return
        with staging(self.path) as staged:
            for part in parts:
                staged.add(self._file_of(part.index), self._upon_stored(part, data))
            staged.seal()
            staged.finish()
        self._bear_witness(self._file_of(part.index) for part in parts)

    def _upon_stored(self, part: Touched, data: NDArray[Any]) -> bytes:
        stored = None if self._fills(part) else self._folder.read(self._file_of(part.index), self._layout.limit)
        return self._encoded(part, data, stored, trimmed=True)

    def _place(self, key: str, content: bytes) -> None:
        target = self.path / key
        if "/" in key:
            make_folders(target.parent)
        place_file(target, content)
        sync_folder(target.parent)

    def _bear_witness(self, keys: Iterable[str]) -> None:
        """Note that chunks were written."""
        descriptor = os.open(self.path / _WRITTEN, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            os.write(descriptor, "".join(f"{key}\n" for key in keys).encode())
        finally:
            os.close(descriptor)

    def _replace(self, data: NDArray[Any]) -> None:
        made = make_array(self.source, self._structure, self._location, new_name())
        path = folder_of(made, self._location)
        try:
            self._opened(made).fill(data)
            with self.held() as array:
                current = array.latest()
                check_still(current.structure.shape, data.shape)
                (current.path / METADATA).rename(current.path / _RETIRED)
                self._keeper.commit(structs.replace(made, structure=current.structure))
        except BaseException:
            if not self._may_be_named(made):
                shutil.rmtree(path, ignore_errors=True)
            raise

    def fill(self, data: NDArray[Any]) -> None:
        """Write everything into a folder that nobody knows yet."""
        keys = []
        for part in self._touched(cut_shape((), data.shape)):
            keys.append(self._file_of(part.index))
            place_file(self.path / keys[-1], self._encoded(part, data, None))
        sync_folder(self.path)
        self._bear_witness(keys)

    def _grow(self, start: tuple[int, ...], data: NDArray[Any]) -> ArrayStructure:
        with self.held() as array:
            return array.latest().grow_here(start, data)

    def grow_here(self, start: tuple[int, ...], data: NDArray[Any]) -> ArrayStructure:
        """Grow while the lock is held, and the catalog has just been asked."""
        if not reaches_beyond(start, data.shape, self._structure.shape):  # somebody else has let it grow meanwhile
            if data.size:
                self.write_here(cut_shape(box(start, data.shape), self._structure.shape), data)
            return self._structure
        change = secrets.token_hex(8)
        source, cut = self._grown(start, data)
        source = with_properties(source, **{_CHANGE: change})
        parts = list(self._touched(cut)) if data.size else []
        with staging(self.path, change) as staged:
            for part in parts:
                staged.add(self._file_of(part.index), self._upon_stored(part, data))
            structure = structure_of(source)
            staged.add(METADATA, self._metadata_file(structure))
            staged.seal()
            self._keeper.commit(source)
            staged.finish()
        self._bear_witness(self._file_of(part.index) for part in parts)
        return structure

    # The state of the folder

    @contextmanager
    def held(self, *, shared: bool = False) -> Iterator[FolderArray]:
        """The array as it is now, while nobody else changes it; or, if `shared`, nobody but by single whole chunks."""
        array = self
        while True:
            with ExitStack() as stack:
                try:
                    stack.enter_context(locked(array.path, shared=shared))
                except FileNotFoundError:
                    array = self._opened(_moved(array.source, self._keeper.current(), array.path))
                    continue
                if is_pending(array.path):
                    if shared:
                        stack.close()
                        with array.held():
                            continue
                    settle(array.path, array.is_known)
                if array.counts():
                    yield array
                    return
                current = array.latest()
                if current.path == array.path:
                    current.restore()
                    yield current
                    return
            array = current

    def latest(self) -> FolderArray:
        """The array as the catalog knows it by now."""
        return self._opened(self._keeper.current())

    def _opened(self, source: DataSource) -> FolderArray:
        return open_array(source, self._location, self._keeper)

    def is_known(self, change: str) -> bool:
        """Whether the catalog knows of a change."""
        return self._keeper.current().properties.get(_CHANGE) == change

    def counts(self) -> bool:
        """Whether the folder is the one that counts, and the array in it has the shape that we know."""
        with contextlib.suppress(Unavailable):
            found = read_json(self._folder, METADATA)
            return found is not None and found.get("shape") == list(self.described.shape)
        return False

    def restore(self) -> None:
        """Let the metadata say what the catalog says: somebody could not finish what they began."""
        if (self.path / _RETIRED).exists() and not (self.path / METADATA).exists():
            (self.path / _RETIRED).rename(self.path / METADATA)
        if not self.counts():
            write_file(self.path / METADATA, self._metadata_file(self._structure))

    def _metadata_file(self, structure: ArrayStructure) -> bytes:
        if CHUNK in self.source.properties:
            return to_json(describe_zarr(structure, self.described.chunk, {}))
        return to_json({**(read_json(self._folder, METADATA) or {}), "shape": list(structure.shape)})

    def __repr__(self) -> str:
        return f"<FolderArray {self.path.name!r} shape={self._structure.shape}>"


def delete_array(source: DataSource, location: Location) -> None:
    """Remove the folder of an array, if it is still there."""
    for asset in source.assets:
        if asset.is_directory and location.holds(asset.data_uri):
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(path_of_uri(asset.data_uri))
