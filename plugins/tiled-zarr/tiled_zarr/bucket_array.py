"""Uploaded arrays in buckets: the same objects that a folder would hold as files.

- A chunk is one object, replaced as a whole. A part of it is written under the condition that nobody else has replaced
  it meanwhile, and else once more.
- All chunks are replaced by others below another name, which the catalog then knows. Who has written to the old ones
  meanwhile finds out, and writes again.
- Those who let an array grow take turns (`.turn`). If one of them could not finish, the next removes what lies beyond
  the shape that the catalog knows before it goes on.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any

from msgspec import structs
from numpy.typing import NDArray
from tiled_buckets.bucket import Bucket, bucket_of
from tiled_buckets.lease import taking_turns

from tiled_zarr.chunks import Index, Touched, count_touched
from tiled_zarr.codecs import Layout
from tiled_zarr.describing import chunk_to_store, describe_zarr, to_json
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
from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.families.array.cuts import reaches_beyond
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.nodes.protocols import Asset, DataSource, EncodedBlock
from tiledkernel.nodes.storing import Keeper, Location, new_name
from tiledkernel.slices import Cut, cut_shape

TURN = ".turn"
AHEAD = 8  # chunks that are asked for at the same time
_COMPLETE = "complete"  # the property of a data source that says up to which shape all chunks were written
_ATTEMPTS = 100  # at replacing one object, which others replace too
_REMEMBERED = 4096


def make_array(source: DataSource, structure: ArrayStructure, location: Location, name: str) -> DataSource:
    """Make room for an array without data, stored when this returns; the data source with it as its asset.

    Unprocessable if no such array can be stored.
    """
    chunk = chunk_to_store(structure)
    uri = location.uri_of(f"{name}{SUFFIX}")
    bucket = bucket_of(location)
    bucket.put(f"{bucket.key_of(uri)}/{METADATA}", to_json(describe_zarr(structure, chunk, {})))
    asset = Asset(data_uri=uri, is_directory=True, parameter="data_uri")
    return structs.replace(
        source, mimetype=MEDIA_TYPE, structure=structure, properties={CHUNK: list(chunk)}, assets=(asset,)
    )


def open_array(source: DataSource, location: Location, keeper: Keeper) -> BucketArray:
    """The array of a data source."""
    return BucketArray(_objects(bucket_of(location), _uri_of(source, location)), source, location, keeper)


def delete_array(source: DataSource, location: Location) -> None:
    """Remove all objects of an array, if they are still there."""
    bucket = bucket_of(location)
    for uri in uris_of(source):
        if location.holds(uri):
            bucket.delete(list(bucket.keys(f"{bucket.key_of(uri)}/")))


def _uri_of(source: DataSource, location: Location) -> str:
    for asset in source.assets:
        if asset.parameter == "data_uri" and location.holds(asset.data_uri):
            return asset.data_uri
    raise Unavailable("this array has no objects in the place where it was stored")


@lru_cache(maxsize=128)
def _objects(bucket: Bucket, uri: str) -> Objects:
    return Objects(bucket, bucket.key_of(uri))


class Objects:
    """What a bucket holds below a prefix, as a store."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self._sound: OrderedDict[str, Hashable] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The store's name, for messages."""
        return self.prefix.rpartition("/")[2]

    def key(self, key: str) -> str:
        """The key in the bucket."""
        return f"{self.prefix}/{key}"

    def read(self, key: str, limit: int) -> Any | None:
        """All bytes of an object; None if there is none. Unavailable if it is longer than `limit`."""
        found = self.get(key, limit)
        return None if found is None else found[0]

    def get(self, key: str, limit: int) -> tuple[Any, Hashable] | None:
        """The same, with what tells this state of it from others."""
        found = self.bucket.get(self.key(key))
        if found is None:
            return None
        data = memoryview(found.data)
        if data.nbytes > limit:
            raise Unavailable(f"{key!r} has {data.nbytes:_} bytes, more than the {limit:_} that can be meant")
        return data, tuple(sorted(found.version.items()))

    def stamp(self, key: str) -> Hashable | None:
        """What changes when an object does; None if there is none."""
        found = self.bucket.version(self.key(key))
        return None if found is None else tuple(sorted(found.items()))

    def is_sound(self, key: str, state: Hashable) -> bool:
        """Whether somebody has seen that an object is what it should be, in this state."""
        return self._sound.get(key) == state

    def note_sound(self, key: str, state: Hashable) -> None:
        """Somebody has."""
        with self._lock:
            self._sound[key] = state
            if len(self._sound) > _REMEMBERED:
                self._sound.popitem(last=False)


class BucketArray(StoredArray):
    """An array in a bucket."""

    def __init__(self, objects: Objects, source: DataSource, location: Location, keeper: Keeper) -> None:
        described = described_by(source)
        if described is None:
            raise Unavailable("this array was stored by another program, whose arrays in buckets are not read")
        super().__init__(objects, source, described, keeper)
        self._objects = objects
        self._location = location

    # Reading

    def stamp(self, cut: Cut | None) -> Hashable:
        """The state of the chunk that the cut touches; None if there are several, which to ask for would cost more."""
        whole = cut or cut_shape((), self.described.shape)
        if count_touched(whole, self.described.chunk) != 1:
            return None
        (part,) = self._touched(whole)
        return repr(self._files.stamp), self._objects.stamp(self._file_of(part.index))

    def encoded_block(self, block: tuple[int, ...]) -> EncodedBlock | None:
        """The chunk as it rests, if it need not be cut; each state of one is decoded once, to see that it is whole."""
        layout = self.described.storage
        if not self._is_whole_chunk(block) or not isinstance(layout, Layout):
            return None
        index = tuple(
            bound.start // step for bound, step in zip(self.bounds_of(block), self.described.chunk, strict=True)
        )
        key = self._file_of(index)
        found = self._objects.get(key, layout.limit)
        if found is None:
            return None
        raw, state = found
        if not self._objects.is_sound(key, state):
            self._decoded(layout, raw, key)
            self._objects.note_sound(key, state)
        return EncodedBlock("zstd", bytes(raw))

    def _chunks(self, parts: Iterator[Touched]) -> Iterator[tuple[Touched, NDArray[Any] | None]]:
        """Chunks after what is wanted of them, some of which are asked for ahead."""
        yield from _ahead(lambda part: (part, self._chunk(part.index, {})), parts)

    def _check_blank(self, blank: Sequence[Index]) -> None:
        """Objects are missing because nobody made them, or else something is wrong."""
        complete = self.source.properties.get(_COMPLETE, (0,) * len(self.described.shape))
        for index in blank:
            if all(at * step < end for at, step, end in zip(index, self.described.chunk, complete, strict=True)):
                raise Unavailable(
                    f"the object {self._file_of(index)!r} of {self._objects.name!r} is gone, in which a part of this "
                    "array was stored: restore it from a copy, or write it again"
                )
        self._check_kept()

    # Writing

    def _write_cut(self, cut: Cut, data: NDArray[Any]) -> None:
        array = self
        while True:
            array.put(cut, data)
            current = self._keeper.current()
            if uris_of(current) == uris_of(array.source):
                return
            array = open_array(current, self._location, self._keeper)

    def put(self, cut: Cut, data: NDArray[Any]) -> None:
        """Store elements, some chunks at the same time."""
        deque(_ahead(partial(self._put_part, data=data), self._touched(cut)), maxlen=0)

    def _put_part(self, part: Touched, data: NDArray[Any]) -> None:
        """Store a chunk; one of which other elements stay, in the state that it is in when it is replaced."""
        key = self._objects.key(self._file_of(part.index))
        if self._fills(part, to_the_edge=False):
            self._objects.bucket.put(key, self._encoded(part, data, None))
        else:
            self._update(key, lambda stored: self._encoded(part, data, stored))

    def _update(self, key: str, change: Callable[[Any | None], bytes]) -> None:
        bucket = self._objects.bucket
        for _ in range(_ATTEMPTS):
            found = bucket.get(key)
            made = change(None if found is None else found.data)
            if bucket.put_if(key, made, None if found is None else found.version) is not None:
                return
        raise NotReady("others write to the same chunk without end: try again")

    def _replace(self, data: NDArray[Any]) -> None:
        made = make_array(self.source, self._structure, self._location, new_name())
        made = with_properties(made, **{_COMPLETE: list(data.shape)})
        try:
            self._opened(made).put(cut_shape((), data.shape), data)
            self._exchange(made, data.shape)
        except BaseException:
            if not self._may_be_named(made):
                delete_array(made, self._location)
            raise

    def _exchange(self, made: DataSource, shape: tuple[int, ...]) -> None:
        """Let the catalog know other objects, while nobody lets the array grow."""
        array = self
        while True:
            with taking_turns(array._objects.bucket, array._objects.key(TURN)) as turn:
                current = array.latest()
                if uris_of(current.source) == uris_of(array.source):
                    check_still(current.structure.shape, shape)
                    turn.check()
                    self._keeper.commit(structs.replace(made, structure=current.structure))
                    return
            array = current

    def _grow(self, start: tuple[int, ...], data: NDArray[Any]) -> ArrayStructure:
        array = self
        while True:
            with taking_turns(array._objects.bucket, array._objects.key(TURN)) as turn:
                current = array.latest()
                if uris_of(current.source) == uris_of(array.source):
                    if turn.inherited:
                        current.clear()
                    turn.begun = True
                    return current.grow_here(start, data, turn.check)
            array = current

    def grow_here(self, start: tuple[int, ...], data: NDArray[Any], check_turn: Callable[[], None]) -> ArrayStructure:
        """Grow while it is our turn, and the catalog has just been asked."""
        if not reaches_beyond(start, data.shape, self._structure.shape):  # somebody else has let it grow meanwhile
            if data.size:
                self._write_cut(cut_shape(box(start, data.shape), self._structure.shape), data)
            return self._structure
        source, cut = self._grown(start, data)
        if data.size:
            self.put(cut, data)
        check_turn()
        self._keeper.commit(source)
        structure = structure_of(source)
        metadata = to_json(describe_zarr(structure, self.described.chunk, {}))
        self._objects.bucket.put(self._objects.key(METADATA), metadata)
        return structure

    def clear(self) -> None:
        """Remove what lies beyond the array, which somebody has left who could not finish."""
        bucket, outside = self._objects.bucket, []
        for key in list(bucket.keys(f"{self._objects.prefix}/")):
            index = self._index_of(key.rpartition("/")[2])
            if index is None:
                continue
            inside = self._inside(index)
            if 0 in inside:
                outside.append(key)
            elif inside != self.described.chunk:
                self._update(key, partial(self._cleared, index))
        bucket.delete(outside)

    def _cleared(self, index: Index, stored: Any | None) -> bytes:
        nothing = Touched(index, tuple(slice(0, 0, 1) for _ in index), tuple(slice(0, 0) for _ in index))
        return self._encoded(nothing, self.described.blank((0,) * len(index)), stored, trimmed=True)

    def _index_of(self, name: str) -> Index | None:
        first, *numbers = name.split(".")
        if first != "c" or len(numbers) != len(self.described.chunk) or not all(map(str.isdigit, numbers)):
            return None
        return tuple(map(int, numbers))

    def latest(self) -> BucketArray:
        """The array as the catalog knows it by now."""
        return self._opened(self._keeper.current())

    def _opened(self, source: DataSource) -> BucketArray:
        return open_array(source, self._location, self._keeper)

    def __repr__(self) -> str:
        return f"<BucketArray {self._objects.name!r} shape={self._structure.shape}>"


@lru_cache(maxsize=1)
def _workers() -> ThreadPoolExecutor:
    """Threads that wait for buckets."""
    return ThreadPoolExecutor(4 * AHEAD, thread_name_prefix="bucket")


def _ahead(ask: Callable[[Touched], Any], parts: Iterable[Touched]) -> Iterator[Any]:
    """What `ask` gives for each part, in order; for some of them it is called ahead, in threads."""
    waiting: deque[Future[Any]] = deque()
    remaining = iter(parts)
    try:
        first = list(itertools.islice(remaining, 2))
        if len(first) < 2:
            yield from map(ask, first)  # which needs no threads
            return
        for part in itertools.chain(first, remaining):
            waiting.append(_workers().submit(ask, part))
            if len(waiting) == AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        for future in waiting:  # so that nobody writes any more when a write has failed
            if not future.cancelled():
                future.exception()
