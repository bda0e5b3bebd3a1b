"""Deleting nodes, with the safeguards."""

from __future__ import annotations

from typing import Any

import pytest

from tiledkernel.client import ClientError
from tiledkernel.queries import Key

from .scripted import message, resource


@pytest.fixture
def tree(catalog: Any) -> Any:
    """Three containers, the first of which has a child."""
    for key in ("a", "b", "c"):
        catalog.create_container(key, metadata={"color": "red" if key == "b" else "blue"})
    catalog["a"].create_container("inner")
    return catalog


def test_a_node_is_gone(tree: Any) -> None:
    tree["b"].delete()
    assert list(tree) == ["a", "c"]


def test_a_container_that_is_not_empty_stays_unless_told_otherwise(tree: Any) -> None:
    with pytest.raises(ClientError, match="409"):
        tree["a"].delete()
    tree["a"].delete(recursive=True)
    assert list(tree) == ["b", "c"]


def test_nothing_can_be_deleted_twice(tree: Any) -> None:
    node = tree["b"]
    node.delete()
    with pytest.raises(ClientError, match="404"):
        node.delete()


def test_children_are_deleted_by_their_keys(tree: Any) -> None:
    assert len(tree) == 3
    assert tree.delete_contents("b").uri == tree.uri
    assert len(tree) == 2
    tree.delete_contents(["a", "c"], recursive=True)
    assert list(tree) == []


def test_all_children_are_deleted(tree: Any) -> None:
    tree.delete_contents(recursive=True)
    assert list(tree) == []


def test_of_a_search_only_what_was_found_is_deleted(tree: Any) -> None:
    tree.search(Key("color") == "red").delete_contents()
    assert list(tree) == ["a", "c"]


def test_a_child_that_is_missing_is_told(tree: Any) -> None:
    with pytest.raises(ClientError, match="404"):
        tree.delete_contents("nope")


def test_a_path_is_no_key(tree: Any) -> None:
    with pytest.raises(ValueError, match="separates the keys"):
        tree.delete_contents("a/inner")
    assert list(tree["a"]) == ["inner"]


def test_the_safeguards_are_always_said(scripted_client: Any) -> None:
    client, app = scripted_client(resource("x"), message(None))
    client.delete()
    client.delete(recursive=True, external_only=False)
    assert [(request.method, request.path) for request in app.received] == [
        ("DELETE", "/api/v1/metadata/x?recursive=false&external_only=true"),
        ("DELETE", "/api/v1/metadata/x?recursive=true&external_only=false"),
    ]
