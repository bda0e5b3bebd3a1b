"""Changing what a node says of itself, with our own server, and with servers that fail in the middle of it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import httpx
import pytest

from tiledkernel.client import DELETE_KEY, ClientError, metadata_update
from tiledkernel.client.metadata_update import updated
from tiledkernel.specs import Spec

from .scripted import message, resource

MERGE = "application/merge-patch+json"
BEFORE = {"color": "blue", "sample": {"name": "copper", "note": "old", "runs": [1, 2, 3]}, "none": None}
LOST = httpx.ReadTimeout("no answer")


@pytest.fixture
def node(catalog: Any) -> Any:
    return catalog.create_container("x", metadata=BEFORE, specs=["a", Spec("b", "1")])


def seen(catalog: Any) -> tuple[Any, Any]:
    """What a reader sees."""
    found = catalog["x"]
    return dict(found.metadata), list(found.specs)


# Nested updates


def test_only_what_is_named_changes(catalog: Any, node: Any) -> None:
    node.update_metadata({"sample": {"note": DELETE_KEY, "runs": [1, 2], "temperature": 300}, "color": None})
    expected = {"color": None, "sample": {"name": "copper", "runs": [1, 2], "temperature": 300}, "none": None}
    assert dict(node.metadata) == expected
    assert seen(catalog) == (expected, [Spec("a"), Spec("b", "1")])


def test_specs_alone_can_be_changed(catalog: Any, node: Any) -> None:
    node.update_metadata(specs=["c", Spec("b", "2"), {"name": "d", "version": "3"}])
    assert list(node.specs) == [Spec("c"), Spec("b", "2"), Spec("d", "3")]
    assert seen(catalog) == (BEFORE, [Spec("c"), Spec("b", "2"), Spec("d", "3")])


def test_all_specs_can_be_removed(catalog: Any, node: Any) -> None:
    node.update_metadata(specs=[])
    assert seen(catalog) == (BEFORE, [])


def test_an_update_leaves_alone_what_another_client_has_changed(catalog: Any, node: Any) -> None:
    catalog["x"].update_metadata({"color": "red"})
    node.update_metadata({"sample": {"name": "iron"}})
    assert seen(catalog)[0] == {**BEFORE, "color": "red", "sample": {**BEFORE["sample"], "name": "iron"}}


def test_an_update_is_made_although_the_client_is_out_of_date(catalog: Any, node: Any) -> None:
    """What it asks for is what it has seen; but by now it is something else."""
    catalog["x"].update_metadata({"color": "red"})
    node.update_metadata({"color": "blue"})
    assert seen(catalog)[0]["color"] == "blue"


def test_an_update_that_changes_nothing_leaves_no_trace(catalog: Any, node: Any) -> None:
    node.update_metadata({"color": "blue", "sample": {"absent": DELETE_KEY}}, specs=["a", Spec("b", "1")])
    assert len(node.metadata_revisions) == 0


def test_what_the_server_makes_of_it_is_shown(scripted_client: Any) -> None:
    client, _ = scripted_client(resource("x"), message({"id": "x", "metadata": {"a": 1, "checked": True}}))
    client.update_metadata({"a": 1})
    assert dict(client.metadata) == {"a": 1, "checked": True}


@pytest.mark.parametrize("method", ["update_metadata", "replace_metadata", "build_metadata_patches"])
def test_metadata_are_a_mapping(scripted_client: Any, method: str) -> None:
    client, app = scripted_client(resource("x"), message({}))
    with pytest.raises(ValueError, match="a mapping such as"):
        getattr(client, method)(["a"])
    assert not app.received


def test_what_cannot_be_stored_is_named_by_its_place(scripted_client: Any) -> None:
    client, _ = scripted_client(resource("x"), message({}))
    with pytest.raises(TypeError, match=r"metadata\['a'\]\['b'\] cannot be stored"):
        client.update_metadata({"a": {"b": object()}})


def test_metadata_that_contain_themselves_are_refused() -> None:
    inner: dict[str, Any] = {}
    inner["again"] = inner
    with pytest.raises(ValueError, match="contain themselves"):
        updated({}, inner)


def test_no_tags_means_no_change(scripted_client: Any) -> None:
    client, app = scripted_client(resource("x", access_tags=["a"]), message({"id": "x"}))
    client.update_metadata({"a": 1}, access_tags=[])
    assert app.received[0].json["access_tags"] is None


def test_tags_are_patched_in_their_order(scripted_client: Any) -> None:
    client, app = scripted_client(resource("x", access_tags=["c", "a"]), message({"id": "x"}))
    client.update_metadata(access_tags=["c", "b"])
    assert app.received[0].json["access_tags"] == [{"op": "replace", "path": "/0", "value": "b"}]
    assert sorted(client.access_tags) == ["b", "c"]


def test_there_is_one_word_for_deletion() -> None:
    assert repr(DELETE_KEY) == "DELETE_KEY"
    assert pickle.loads(pickle.dumps(DELETE_KEY)) is copy.deepcopy(DELETE_KEY) is metadata_update.DELETE_KEY


# Replacement and patches


def test_metadata_are_replaced_as_a_whole(catalog: Any, node: Any) -> None:
    node.replace_metadata({"new": b"1"})
    expected = {"new": "data:application/octet-stream;base64,MQ=="}
    assert dict(node.metadata) == expected
    assert seen(catalog) == (expected, [Spec("a"), Spec("b", "1")])


def test_what_is_not_given_is_not_replaced(catalog: Any, node: Any) -> None:
    node.replace_metadata(specs=["c"])
    assert seen(catalog) == (BEFORE, [Spec("c")])


def test_a_list_of_operations_is_applied(catalog: Any, node: Any) -> None:
    node.patch_metadata(
        [{"op": "move", "from": "/color", "path": "/paint"}, {"op": "add", "path": "/sample/runs/-", "value": 4}],
        [{"op": "add", "path": "/0", "value": "first"}, {"op": "replace", "path": "/1", "value": Spec("c", "3")}],
    )
    expected = {"paint": "blue", "sample": {**BEFORE["sample"], "runs": [1, 2, 3, 4]}, "none": None}
    assert (dict(node.metadata), list(node.specs)) == (expected, [Spec("first"), Spec("c", "3"), Spec("b", "1")])
    assert seen(catalog) == (expected, [Spec("first"), Spec("c", "3"), Spec("b", "1")])


def test_a_document_is_merged(catalog: Any, node: Any) -> None:
    node.patch_metadata({"color": None, "sample": {"name": "iron"}}, ["only"], content_type=MERGE)
    expected = {"sample": {**BEFORE["sample"], "name": "iron"}, "none": None}
    assert seen(catalog) == (expected, [Spec("only")])
    assert dict(node.metadata) == expected


def test_a_patch_that_does_not_fit_is_refused_with_the_reason(catalog: Any, node: Any) -> None:
    with pytest.raises(ClientError, match=r"422: .*nothing at 'absent'"):
        node.patch_metadata([{"op": "remove", "path": "/absent"}])
    assert dict(node.metadata) == seen(catalog)[0] == BEFORE


@pytest.mark.parametrize(
    ("patches", "word"),
    [
        ({"metadata_patch": {}}, "metadata_patch={}: .* a list of operations"),
        ({"metadata_patch": [], "content_type": MERGE}, r"metadata_patch=\[\]: .* a mapping"),
        ({"specs_patch": "a", "content_type": MERGE}, "specs_patch='a': .* a list"),
        ({"metadata_patch": [], "content_type": "text/plain"}, "expected 'application/json-patch.json' or"),
    ],
)
def test_a_patch_of_another_kind_is_refused(scripted_client: Any, patches: Any, word: str) -> None:
    client, app = scripted_client(resource("x"), message({}))
    with pytest.raises(ValueError, match=word):
        client.patch_metadata(**patches)
    assert not app.received


# Patches that are only built


def test_patches_name_what_differs(catalog: Any, node: Any) -> None:
    patches = node.build_metadata_patches({"color": "red", "sample": {"note": DELETE_KEY}}, specs=["a", Spec("b", "2")])
    assert patches == (
        [{"op": "replace", "path": "/color", "value": "red"}, {"op": "remove", "path": "/sample/note"}],
        [{"op": "replace", "path": "/1", "value": {"name": "b", "version": "2"}}],
        None,
    )
    assert dict(node.metadata) == seen(catalog)[0] == BEFORE


def test_what_is_not_asked_for_is_not_patched(node: Any) -> None:
    assert node.build_metadata_patches() == ([], None, None)


def test_patches_that_were_built_can_be_sent(catalog: Any, node: Any) -> None:
    node.patch_metadata(*node.build_metadata_patches({"color": "red"}, specs=["c"]))
    assert seen(catalog) == ({**BEFORE, "color": "red"}, [Spec("c")])


# In doubt


def answers_after(found: dict[str, Any]) -> list[Any]:
    return [LOST, message({"data": resource("x", metadata=found)}), message({"id": "x"})]


def test_an_update_that_has_arrived_is_not_sent_again(scripted_client: Any, impatient: None) -> None:
    client, app = scripted_client(resource("x", metadata={"a": 1}), *answers_after({"a": 2}))
    client.update_metadata({"a": 2})
    assert [request.method for request in app.received] == ["PATCH", "GET"]
    assert dict(client.metadata) == {"a": 2}


def test_an_update_that_has_not_arrived_is_sent_again(scripted_client: Any, impatient: None) -> None:
    client, app = scripted_client(resource("x", metadata={"a": 1}), *answers_after({"a": 1}))
    client.update_metadata({"a": 2})
    assert [request.method for request in app.received] == ["PATCH", "GET", "PATCH"]
    assert dict(client.metadata) == {"a": 2}


def test_an_update_that_nobody_can_tell_of_is_reported(scripted_client: Any, impatient: None) -> None:
    client, app = scripted_client(resource("x", metadata={"a": 1}), *answers_after({"a": 1, "by somebody": "else"}))
    with pytest.raises(httpx.ReadTimeout):
        client.update_metadata({"a": 2})
    assert [request.method for request in app.received] == ["PATCH", "GET"]


def test_a_replacement_that_has_arrived_is_not_sent_again(scripted_client: Any, impatient: None) -> None:
    client, app = scripted_client(resource("x", metadata={"a": 1}), *answers_after({"a": 2}))
    client.replace_metadata({"a": 2})
    assert [request.method for request in app.received] == ["PUT", "GET"]
    assert dict(client.metadata) == {"a": 2}


@pytest.mark.parametrize("found", [{"a": 1}, {"a": 1, "by somebody": "else"}])
def test_a_replacement_that_has_not_arrived_is_sent_again(scripted_client: Any, impatient: None, found: Any) -> None:
    client, app = scripted_client(resource("x", metadata={"a": 1}), *answers_after(found))
    client.replace_metadata({"a": 2})
    assert [request.method for request in app.received] == ["PUT", "GET", "PUT"]
    assert dict(client.metadata) == {"a": 2}


def test_a_patch_is_not_sent_again(scripted_client: Any, impatient: None) -> None:
    client, app = scripted_client(resource("x"), LOST, message({"id": "x"}))
    with pytest.raises(httpx.ReadTimeout):
        client.patch_metadata([{"op": "add", "path": "/a/-", "value": 1}])
    assert len(app.received) == 1
