"""Nodes are created, changed and deleted in whole transactions, and what does not fit is refused with a reason."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from tiled_sql_catalog import schema

from tiledkernel import queries as q
from tiledkernel.errors import BadRequest, Conflict, NotAllowed, NotFound, PreconditionFailed, Unprocessable
from tiledkernel.nodes.patches import Patch
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.writing import Change, Draft
from tiledkernel.specs import Spec


def source(*uris, management="external", structure=None):
    assets = tuple(
        Asset(data_uri=uri, is_directory=False, parameter="data_uris", num=num) for num, uri in enumerate(uris)
    )
    return DataSource(
        structure_family="array", structure=structure or {"shape": [1]}, mimetype="application/x-npy", assets=assets,
        management=management,
    )  # fmt: skip


def rows(store):
    """How many rows each table has."""
    with store.database.reading() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in schema.metadata.tables.items()
        }


def found(store, *queries):
    return [node.key for node in store.page(store.search(store.root(), list(queries))).nodes]


def test_a_node_is_found_again_as_it_was_made(store):
    metadata = {"b": 1.0, "a": [None, {"z": 10**30, "y": "x\0"}], "nan": float("nan")}
    made = store.create(store.root(), "ü x", metadata=metadata, specs=["s", Spec("t", "1")], access_tags=["b", "a"])
    for node in (made, store.look_up(store.root(), ["ü x"])):
        assert list(node.metadata) == ["b", "a", "nan"]
        assert node.metadata == metadata | {"nan": None}
        assert node.specs == (Spec("s"), Spec("t", "1"))
        assert node.access_tags == {"a", "b"}


def test_a_taken_key_is_a_conflict_and_counts_nothing(store):
    store.create(store.root(), "a")
    with pytest.raises(Conflict, match="'a' is taken"):
        store.create_many(store.root(), [Draft(key="b"), Draft(key="a")])
    assert found(store) == ["a"]
    assert store.count(store.search(store.root())) == 1


def test_whoever_sends_a_creation_again_gets_the_same_node(store):
    for key in ("a", None):
        first = store.create(store.root(), key, metadata={"n": 1}, token=f"maker of {key}")
        again = store.create(store.root(), key, metadata={"n": 1}, token=f"maker of {key}")
        assert again == first
    assert store.root().children == 2
    with pytest.raises(Conflict):
        store.create(store.root(), "a", token="someone else")


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "a\0b", "\ud800", "x" * 1025, "ü" * 513])
def test_what_can_be_no_key_is_refused(store, key):
    with pytest.raises(Unprocessable, match="cannot be a key"):
        store.create(store.root(), key)


@pytest.mark.parametrize("key", ["bad key!", "ü", "日本", "%41", "a.b", "-", "'; DROP TABLE nodes", "x" * 1024])
def test_any_other_text_is_a_key(store, key):
    store.create(store.root(), key, metadata={"n": 1})
    assert store.child(store.root(), key).key == key
    assert found(store, q.KeyLookup(key)) == [key]


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return {"v": value}


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": nested(200)},
        {"metadata": nested(100_000)},
        {"metadata": {"v": list(range(100_001))}},
        {"metadata": {"v": "x" * (17 * 2**20)}},
        {"specs": ["a"] * 2},
        {"specs": [f"s{n}" for n in range(21)]},
        {"specs": ["x" * 256]},
        {"specs": [""]},
        {"access_tags": ["x" * 256]},
        {"family": "a\0b"},
        {"family": "array", "data_sources": [source(management="whatever")]},
        {"family": "array", "data_sources": [source("file:///a\0b")]},
        {"family": "container", "data_sources": [source(management="writable")]},
    ],
    ids="-".join,
)
def test_what_exceeds_a_bound_is_refused_and_leaves_nothing(store, fields):
    before = rows(store)
    with pytest.raises(Unprocessable):
        store.create(store.root(), "a", **fields)
    assert rows(store) == before


def test_nothing_is_created_below_what_is_no_container_or_gone(store):
    array = store.create(store.root(), "array", family="array", data_sources=[source("file:///a")])
    with pytest.raises(NotAllowed, match="only in containers"):
        store.create(array, "child")
    store.delete(array)
    with pytest.raises(NotFound, match="gone"):
        store.create(array, "child")


def test_searches_follow_changes(store):
    node = store.create(store.root(), "a", metadata={"color": "dark red", "n": 1}, specs=["s"], access_tags=["t"])
    store.replace(node, Change(metadata={"color": "blue"}, specs=["u"], access_tags=["v"]))
    assert found(store, q.Eq("color", "blue"), q.SpecsQuery(["u"]), q.AccessTagsFilter(["v"])) == ["a"]
    for query in (q.FullText("red"), q.KeyPresent("n"), q.SpecsQuery(["s"]), q.AccessTagsFilter(["t"])):
        assert found(store, query) == []
    store.delete(node)
    assert found(store, q.Eq("color", "blue")) == []
    assert rows(store)["entries"] == 0


def test_changes_keep_numbered_revisions_unless_told_not_to(store):
    node = store.create(store.root(), "a", metadata={"n": 0})
    for number in (1, 2):
        store.replace(node, Change(metadata={"n": number}))
    store.replace(node, Change(metadata={"n": 3}, drop_revision=True))
    kept, count = store.revisions(node)
    assert [(each.number, each.metadata) for each in kept] == [(1, {"n": 0}), (2, {"n": 1})]
    assert count == 2
    assert store.revisions(node, offset=5) == ([], 2)
    store.delete_revision(node, 2)
    with pytest.raises(NotFound, match="no revision 2"):
        store.delete_revision(node, 2)
    store.replace(node, Change(metadata={"n": 4}))
    assert [each.number for each in store.revisions(node)[0]] == [1, 3]


def test_a_change_of_an_outdated_state_is_refused(store):
    node = store.create(store.root(), "a")
    changed = store.replace(node, Change(metadata={"n": 1}, version=node.version))
    for attempt in (
        lambda: store.replace(node, Change(metadata={"n": 2}, version=node.version)),
        lambda: store.change(node, Patch(metadata={"n": 2}, merging=True, version=node.version).of),
        lambda: store.delete(node, version=node.version),
    ):
        with pytest.raises(PreconditionFailed, match="read it again"):
            attempt()
    assert store.fresh(node) == changed


def test_json_patches_change_metadata_specs_and_tags(store):
    node = store.create(store.root(), "a", metadata={"a": {"b": [1, 2]}}, specs=["s"], access_tags=["y", "x"])
    patch = Patch(
        metadata=[{"op": "add", "path": "/a/b/1", "value": 5}, {"op": "move", "from": "/a/b", "path": "/c"}],
        specs=[{"op": "add", "path": "/-", "value": {"name": "t", "version": "2"}}],
        access_tags=[{"op": "test", "path": "/0", "value": "x"}, {"op": "remove", "path": "/0"}],
    )
    patched = store.change(node, patch.of)
    assert patched.metadata == {"a": {}, "c": [1, 5, 2]}
    assert patched.specs == (Spec("s"), Spec("t", "2"))
    assert patched.access_tags == {"y"}


def test_merge_patches_merge_objects_and_take_nulls_away(store):
    node = store.create(store.root(), "a", metadata={"a": {"b": 1, "c": 2}, "d": 3}, access_tags=["x"])
    patched = store.change(node, Patch(metadata={"a": {"b": None, "e": 4}, "d": None}, merging=True).of)
    assert patched.metadata == {"a": {"c": 2, "e": 4}}
    assert patched.access_tags == {"x"}


@pytest.mark.parametrize(
    "patch",
    [
        Patch(metadata=[{"op": "remove", "path": "/nobody"}]),
        Patch(metadata=[{"op": "add", "path": "/a/01", "value": 1}]),
        Patch(metadata=[{"op": "add", "path": "a", "value": 1}]),
        Patch(metadata=[{"op": "add", "path": "/x"}]),
        Patch(metadata=[{"op": "jump", "path": "/x"}]),
        Patch(metadata=[{"op": "replace", "path": "", "value": 1}]),
        Patch(metadata=[{"op": "move", "from": "/a", "path": "/a/0"}]),
        Patch(metadata=[{"op": "remove", "path": ""}]),
        Patch(metadata=["x"]),
        Patch(metadata={"a": 1}),
        Patch(metadata=[1], merging=True),
        Patch(specs=[{"op": "add", "path": "/-", "value": 1}]),
        Patch(access_tags="x", merging=True),
    ],
    ids=range(13),
)
def test_a_patch_that_does_not_fit_changes_nothing(store, patch):
    node = store.create(store.root(), "a", metadata={"a": [1]})
    with pytest.raises(Unprocessable, match="patch"):
        store.change(node, patch.of)
    assert store.fresh(node) == node


def test_what_is_not_empty_is_deleted_only_if_that_is_allowed(store):
    before = rows(store)
    top = store.create(store.root(), "top", metadata={"n": 1})
    inner = store.create(top, "inner", metadata={"n": 1})
    store.replace(store.create(inner, "leaf", metadata={"n": 1}), Change(metadata={"n": 2}))
    with pytest.raises(Conflict, match="not empty"):
        store.delete(top)
    store.delete(top, recursive=True)
    assert rows(store) == before
    assert store.root().children == 0
    with pytest.raises(NotFound):
        store.delete(top)
    with pytest.raises(BadRequest, match="root"):
        store.delete(store.root(), recursive=True)


def test_data_that_the_server_keeps_are_deleted_only_if_that_is_allowed(store):
    top = store.create(store.root(), "top")
    store.create(top, "kept", family="array", data_sources=[source("file:///kept", management="writable")])
    store.create(top, "registered", family="array", data_sources=[source("file:///registered")])
    with pytest.raises(Conflict, match="external_only"):
        store.delete(top, recursive=True)
    gone = store.delete(top, recursive=True, external_only=False)
    assert [asset.data_uri for source in gone for asset in source.assets] == ["file:///kept"]


def test_equal_structures_are_stored_once_and_a_shared_file_survives(store):
    one, other = (
        store.create(store.root(), key, family="array", data_sources=[source("file:///a", "file:///b")]) for key in "xy"
    )
    assert (rows(store)["structures"], rows(store)["assets"], rows(store)["data_sources"]) == (1, 2, 2)
    store.delete(one)
    assert (rows(store)["structures"], rows(store)["assets"]) == (1, 2)
    store.delete(other)
    assert (rows(store)["structures"], rows(store)["assets"], rows(store)["associations"]) == (0, 0, 0)


def test_a_data_source_is_described_anew_and_keeps_its_files(store):
    node = store.create(store.root(), "a", family="array", data_sources=[source("file:///0")])
    (first,) = store.data_sources(node)[node.id]
    grown = DataSource(
        structure_family="array", structure={"shape": [2]}, id=first.id, mimetype=first.mimetype,
        assets=(Asset(data_uri="file:///1", is_directory=False, parameter="data_uris", num=1, size=7),),
    )  # fmt: skip
    assert store.replace_data_source(node, grown).version == node.version + 1
    (second,) = store.data_sources(node)[node.id]
    assert second.structure == {"shape": [2]}
    assert [(asset.data_uri, asset.num, asset.size) for asset in second.assets] == [
        ("file:///0", 0, None),
        ("file:///1", 1, 7),
    ]
    assert rows(store)["structures"] == 1
    with pytest.raises(NotFound, match="no data source"):
        store.replace_data_source(store.root(), grown)


def test_the_way_into_a_file_ends_at_the_file(store):
    node = store.create(store.create(store.root(), "a"), "file", family="array", data_sources=[source("file:///f")])
    assert store.deepest(store.root(), ["a", "file", "entry", "data"]) == (node, 2)
    assert store.deepest(store.root(), ["nobody"]) == (store.root(), 0)
    assert store.deepest(store.root(), ["x"] * 1000) == (store.root(), 0)
