"""Arrays in buckets do all that a storage of arrays must do; and a server that keeps them there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiled_sql_catalog
import tiled_zarr
import tiled_zarr.storage
import zarr
from tiled_buckets.bucket import Bucket, bucket_of
from tiled_sql_catalog import tree as catalog_tree
from tiled_sql_catalog.tree import CatalogOptions, build_catalog
from zarr.storage import ObjectStore

from tiledkernel.client import Context, from_context
from tiledkernel.composition import Composition
from tiledkernel.errors import NotReady, Unavailable, UnsupportedMediaType
from tiledkernel.families.array.describe import describe_array
from tiledkernel.nodes.protocols import DataSource, EncodedBlock
from tiledkernel.nodes.storing import Location, new_name
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app
from tiledkernel.slices import cut_shape
from tiledkernel.testing.array_storages import ArrayStorageContract, content
from tiledkernel.testing.comparisons import same
from tiledkernel.testing.keeping import Kept, at_once

DATA = np.arange(25 * 17, dtype="<i4").reshape(25, 17)


class TestBucketStorage(ArrayStorageContract):
    storage = tiled_zarr.STORAGE
    patches_are_whole = False

    @pytest.fixture
    def location(self, place: Callable[..., Location]) -> Location:
        return place()

    def files(self, location: Location) -> list[str]:
        return list(bucket_of(location).keys(""))


@pytest.fixture
def create(tmp_path: Path, location: Location) -> Callable[..., Kept]:
    """Make an array like some data; written, unless told otherwise."""

    def make(data: Any = DATA, chunks: Any = (10, 8), *, written: bool = True) -> Kept:
        kept = Kept.create(tmp_path, tiled_zarr.STORAGE, location, describe_array(data.shape, data.dtype, chunks))
        if written:
            kept.open().write(data)
        return kept

    return make


@pytest.fixture
def asked(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the bucket is asked for: the operation, and the last part of the key."""
    seen: list[tuple[str, str]] = []
    for name in ("get", "version", "put", "put_if"):
        real = getattr(Bucket, name)

        def counting(self: Bucket, key: str, *rest: Any, name: str = name, real: Any = real) -> Any:
            seen.append((name, key.rpartition("/")[2]))
            return real(self, key, *rest)

        monkeypatch.setattr(Bucket, name, counting)
    return seen


def objects(kept: Kept) -> set[str]:
    return {key.rpartition("/")[2] for key in bucket_of(kept.location).keys("")}


def test_what_was_written_is_read_by_the_library(create, bucket):
    kept = create()
    kept.open().patch((25,), DATA, extend=True)
    (uri,) = (asset.data_uri for asset in kept.keeper.current().assets)
    found = zarr.open_array(ObjectStore(bucket.store, read_only=True), path=bucket.key_of(uri), mode="r")
    assert same(found[...], np.concatenate([DATA, DATA]))


def test_a_slice_asks_only_for_the_chunks_that_it_touches(create, asked):
    node = create().open()
    asked.clear()
    node.read(cut_shape((slice(8, 12), 3), DATA.shape))
    assert sorted(asked) == [("get", "c.0.0"), ("get", "c.1.0")]


def test_a_whole_chunk_is_stored_with_one_request(create, asked):
    kept = create(written=False)
    node = kept.open()
    asked.clear()
    node.write_block((1, 1), DATA[10:20, 8:16])
    assert asked == [("put", "c.1.1")]


def test_a_block_is_sent_as_it_rests_and_looked_at_once(create, asked, bucket):
    kept = create()
    asked.clear()
    for _ in range(2):
        sent = kept.open().encoded_block((1, 1))
        assert isinstance(sent, EncodedBlock)
    assert asked == [("get", "c.1.1")] * 2
    assert kept.open().encoded_block((2, 2)) is None


def test_the_state_of_one_chunk_is_told_and_of_several_is_not(create):
    kept = create()
    cut = cut_shape((slice(0, 10), slice(0, 8)), DATA.shape)
    before = kept.open().stamp(cut)
    assert kept.open().stamp(cut) == before is not None
    kept.open().write_block((0, 0), DATA[:10, :8] * 2)
    assert kept.open().stamp(cut) not in (before, None)
    assert kept.open().stamp(None) is None


def test_a_chunk_that_was_written_with_all_others_and_is_gone_is_an_error_that_names_it(create, bucket):
    kept = create()
    (key,) = (key for key in bucket.keys("") if key.endswith("c.1.0"))
    bucket.delete([key])
    with pytest.raises(Unavailable, match=r"c\.1\.0"):
        content(kept)
    kept.open().write_block((1, 0), DATA[10:20, :8])
    assert same(content(kept), DATA)


def test_a_damaged_chunk_is_an_error(create, bucket):
    kept = create()
    (key,) = (key for key in bucket.keys("") if key.endswith("c.1.1"))
    bucket.put(key, b"broken")
    with pytest.raises(Unavailable, match="is damaged"):
        content(kept)
    with pytest.raises(Unavailable, match="is damaged"):
        kept.open().encoded_block((1, 1))
    with pytest.raises(Unavailable, match="is damaged"):
        kept.open().patch((10, 8), np.array([[5]], "<i4"))


def test_what_one_has_left_who_could_not_grow_the_array_is_removed_by_the_next(create, monkeypatch):
    kept = create()
    with monkeypatch.context() as patched:
        patched.setattr(kept.keeper, "commit", lambda _: (_ for _ in ()).throw(NotReady("not now")))
        with pytest.raises(NotReady):
            kept.open().patch((25,), DATA, extend=True)
    assert "c.4.0" in objects(kept)
    assert same(content(kept), DATA)
    kept.open().patch((60,), DATA, extend=True)
    found = content(kept)
    assert same(found[:25], DATA)
    assert not found[25:60].any()


def test_a_write_that_fails_on_the_way_changes_nothing(create, monkeypatch):
    kept = create()
    before = objects(kept)
    real = Bucket.put
    count = iter(range(100))

    def failing(self: Bucket, key: str, data: Any) -> None:
        if next(count) == 4:
            raise NotReady("does not answer")
        real(self, key, data)

    monkeypatch.setattr(Bucket, "put", failing)
    with pytest.raises(NotReady):
        kept.open().write(DATA * 2)
    assert objects(kept) == before
    assert same(content(kept), DATA)


def test_one_who_took_too_long_does_not_say_that_the_array_has_grown(create, monkeypatch):
    kept = create()
    real = Bucket.put_if

    def overtaken(self: Bucket, key: str, data: Any, version: Any) -> Any:
        found = real(self, key, data, version)
        if key.endswith("c.2.0"):
            turn = f"{key.rpartition('/')[0]}/.turn"
            self.put(turn, b"somebody else")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "put_if", overtaken)
        with pytest.raises(NotReady, match="try again"):
            kept.open().patch((25,), DATA, extend=True)
    assert kept.open().structure.shape == (25, 17)


# A server


@pytest.fixture
def connect(tmp_path: Path, location: Location, endpoint: str) -> Iterator[Callable[[], Any]]:
    """The client of a catalog whose data go to the bucket; each time of another server."""
    given = {
        "provider": "s3",
        "uri": f"{endpoint}/{location.uri.partition('://')[2]}",
        "config": {name: value for name, value in location.options.items() if name != "endpoint"},
    }
    options = CatalogOptions(
        uri=str(tmp_path / "catalog.db"), writable_storage=[catalog_tree.Bucket(**given)], init_if_not_exists=True
    )
    plugins = {"zarr": tiled_zarr, "catalog": tiled_sql_catalog}
    trees, contexts = [], []

    def make() -> Any:
        composition = Composition(discover(third_party=False, extra=plugins))
        trees.append(build_catalog(options, composition))
        app = build_app(trees[-1], settings=Settings(single_user_api_key="secret"), composition=composition)
        contexts.append(Context.from_app(app, raise_server_exceptions=False))
        return from_context(contexts[-1])

    yield make
    for context in contexts:
        context.close()
    for tree in trees:
        tree.close()


def test_arrays_of_a_catalog_rest_in_the_bucket_and_are_found_after_a_restart(connect, bucket, location):
    written = connect().write_array(DATA, key="x")
    written.patch(DATA, offset=25, extend=True)
    client = connect()
    assert same(client["x"].read(), np.concatenate([DATA, DATA]))
    (source,) = client["x"].data_sources()
    (asset,) = source.assets
    assert source.mimetype == "application/x-zarr"
    assert location.holds(asset.data_uri)
    assert {key.rpartition("/")[2] for key in bucket.keys(f"{bucket.key_of(asset.data_uri)}/")} >= {
        "zarr.json",
        "c.0.0",
    }


def test_an_array_that_is_written_as_a_whole_leaves_no_old_objects(connect, bucket):
    client = connect()
    large = np.arange(3 << 20)
    array = client.write_array(large, key="x")
    array.write(large * 2)
    assert same(client["x"].read(), large * 2)
    assert len({key.rpartition("/")[0] for key in bucket.keys("")}) == 1


def test_nothing_is_left_of_what_is_deleted(connect, bucket):
    client = connect()
    client.write_array(DATA, key="x")
    client["x"].delete(external_only=False)
    assert not list(bucket.keys(""))


def test_a_bucket_that_is_not_there_is_told_to_who_writes(tmp_path, place):
    location = place("s3://nowhere", endpoint=place().options["endpoint"])
    with pytest.raises(Unavailable, match="no bucket at 's3://nowhere'"):
        Kept.create(tmp_path, tiled_zarr.STORAGE, location, describe_array((3,), np.dtype("f8")))


def test_without_the_library_the_error_says_what_to_install(location, monkeypatch):
    monkeypatch.setattr("tiledkernel.references.installed", lambda _: False)
    source = DataSource(structure_family="array", structure=describe_array((3,), np.dtype("f8")))
    with pytest.raises(UnsupportedMediaType, match="pip install tiled-buckets"):
        tiled_zarr.storage.create(source, location, new_name())


def test_several_servers_grow_one_array(connect):
    clients = [connect() for _ in range(3)]
    clients[0].write_array(np.empty((0, 2), "i8"), key="x")

    def grow(number: int) -> Callable[[], None]:
        array = clients[number]["x"]

        def patch() -> None:
            for row in range(number, 9, 3):
                array.patch(np.full((1, 2), row), offset=row, extend=True)

        return patch

    at_once(*map(grow, range(3)))
    found = clients[0]["x"]
    assert found.read()[:, 0].tolist() == list(range(9))
    assert sum(found.chunks[0]) == 9
