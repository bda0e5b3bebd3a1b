"""Data sources are described anew, exchange their files and lose them, and no file is forgotten that someone needs."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from tiled_sql_catalog import schema
from tiled_sql_catalog.sources import detach_asset, exchange_source

from tiledkernel.errors import NotFound, Unprocessable
from tiledkernel.nodes.protocols import Asset, DataSource


def asset(uri, num=None, **fields):
    return Asset(data_uri=uri, is_directory=False, parameter="data_uris", num=num, **fields)


def source(*assets, **fields):
    fields = {"structure": {"shape": [len(assets)]}, "mimetype": "application/x-npy"} | fields
    return DataSource(structure_family="array", assets=assets, **fields)


@pytest.fixture
def make(store):
    """A node with data sources."""

    def make(key, *sources):
        return store.create(store.root(), key, family="array", data_sources=sources)

    return make


@pytest.fixture
def sources_of(store):
    return lambda node: store.data_sources(node).get(node.id, [])


@pytest.fixture
def exchange(store, sources_of):
    def exchange(node, new):
        (old,) = sources_of(node)
        new = DataSource(**{name: getattr(new, name) for name in new.__struct_fields__} | {"id": old.id})
        database = store.database
        return database.write(lambda connection: exchange_source(connection, database.dialect, node.id, new))

    return exchange


@pytest.fixture
def detach(store):
    return lambda node, identity: store.database.write(lambda connection: detach_asset(connection, node.id, identity))


def count(store, table):
    with store.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def files(found):
    return [(each.data_uri, each.num) for each in found.assets]


def test_a_node_knows_how_many_data_sources_it_has(store, make):
    made = make("a", source(asset("file:///a")), source(asset("file:///b")))
    assert made.sources == store.fresh(made).sources == 2
    assert store.create(store.root(), "b").sources == 0


def test_an_exchange_leaves_exactly_the_new_files(store, make, sources_of, exchange):
    node = make("a", source(*(asset(f"file:///{number}", number) for number in range(4)), management="writable"))
    new = source(asset("file:///3", 0), asset("file:///1", 1), asset("file:///9", 2, size=7), management="writable")
    gone = exchange(node, new)
    (found,) = sources_of(node)
    assert files(found) == [("file:///3", 0), ("file:///1", 1), ("file:///9", 2)]
    assert [each.size for each in found.assets] == [None, None, 7]
    assert sorted(each.data_uri for each in gone) == ["file:///0", "file:///2"]
    assert (count(store, schema.assets), count(store, schema.associations)) == (3, 3)


def test_an_exchange_describes_the_source_anew(store, make, sources_of, exchange):
    node = make("a", source(asset("file:///a")))
    new = source(
        asset("file:///a"), structure={"shape": [9]}, mimetype="image/tiff", parameters={"swmr": True},
        properties={"n": 1}, management="immutable",
    )  # fmt: skip
    exchange(node, new)
    (found,) = sources_of(node)
    names = ("structure", "mimetype", "parameters", "properties", "management")
    assert [getattr(found, name) for name in names] == [getattr(new, name) for name in names]
    assert count(store, schema.structures) == 1


def test_files_that_others_need_survive_an_exchange(store, make, sources_of, exchange):
    one, other = (make(key, source(asset("file:///shared"), management="writable")) for key in "ab")
    assert exchange(one, source(asset("file:///own"), management="writable")) == []
    assert files(sources_of(other)[0]) == [("file:///shared", None)]
    assert [each.data_uri for each in exchange(other, source(management="writable"))] == ["file:///shared"]
    assert count(store, schema.assets) == 1


def test_registered_files_are_never_given_back_for_deletion(store, make, exchange):
    node = make("a", source(asset("file:///registered")))
    assert exchange(node, source(asset("file:///other"))) == []
    assert count(store, schema.assets) == 1, "forgotten all the same"


def test_what_cannot_be_stored_exchanges_nothing(store, make, sources_of, exchange):
    node = make("a", source(asset("file:///a")))
    before = sources_of(node)
    for wrong in (source(asset("file:///\0")), source(asset("file:///b"), management="whatever")):
        with pytest.raises(Unprocessable):
            exchange(node, wrong)
    nobody = source(asset("file:///b"), id=10**9)
    with pytest.raises(NotFound, match="no data source"):
        store.database.write(lambda connection: exchange_source(connection, store.database.dialect, node.id, nobody))
    assert sources_of(node) == before


@pytest.mark.parametrize(("management", "internal"), [("external", False), ("writable", True), ("locked", True)])
def test_a_detached_file_that_nobody_else_needs_is_forgotten(store, make, sources_of, detach, management, internal):
    node = make("a", source(asset("file:///0", 0), asset("file:///1", 1), management=management))
    (found,) = sources_of(node)
    dropped, kept_by_us = detach(node, found.assets[0].id)
    assert (dropped.data_uri, kept_by_us) == ("file:///0", internal)
    assert files(sources_of(node)[0]) == [("file:///1", 1)]
    assert count(store, schema.assets) == 1


def test_a_detached_file_that_others_need_stays(make, sources_of, detach):
    one, other = (make(key, source(asset("file:///shared"))) for key in "ab")
    (found,) = sources_of(one)
    assert detach(one, found.assets[0].id) == (None, False)
    assert files(sources_of(one)[0]) == []
    assert files(sources_of(other)[0]) == [("file:///shared", None)]


def test_only_a_file_of_the_node_can_be_detached(make, sources_of, detach):
    one, other = (make(key, source(asset(f"file:///{key}"))) for key in "ab")
    (found,) = sources_of(other)
    for identity in (found.assets[0].id, 10**9):
        with pytest.raises(NotFound, match="no asset"):
            detach(one, identity)


def test_a_file_twice_in_one_list_is_one_asset_and_its_size_is_learnt(store, make, sources_of):
    make("a", source(asset("file:///0", 0), asset("file:///0", 1, size=5)), source(asset("file:///0", 0)))
    assert count(store, schema.assets) == 1
    found = sources_of(store.child(store.root(), "a"))
    assert [each.size for one in found for each in one.assets] == [5, 5, 5]
