"""Whole containers in one answer."""

from __future__ import annotations

import numpy as np
import pytest

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer

TREE = {
    "a": MemoryArray(np.zeros(2), metadata={"color": "red", "day": np.datetime64("2026-01-02")}),
    "b": MemoryContainer({"c": MemoryArray(1, metadata={"x": float("nan")})}, metadata={"level": 1}),
}


def test_json_tells_structure_and_metadata_of_everything_below(connect) -> None:
    caller = connect(MemoryContainer(TREE, metadata={"root": True}))
    expected = {
        "contents": {
            "a": {"metadata": {"color": "red", "day": "2026-01-02"}},
            "b": {"contents": {"c": {"metadata": {"x": None}}}, "metadata": {"level": 1}},
        },
        "metadata": {"root": True},
    }
    assert caller.json("container/full/?format=json") == expected
    assert caller.json("container/full/", headers={"accept": "application/json"}) == expected
    assert caller.json("container/full/b?format=json") == expected["contents"]["b"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_children_can_be_chosen(connect, method) -> None:
    caller = connect(TREE)
    options = (
        {"params": {"format": "json", "field": "a"}}
        if method == "GET"
        else {"params": {"format": "json"}, "json": ["a"]}
    )
    assert list(caller.request(method, "container/full/", **options).json()["contents"]) == ["a"]


def test_a_file_name_can_be_chosen(connect) -> None:
    response = connect(TREE).get("container/full/?format=json&filename=tree.json")
    assert response.headers["content-disposition"] == 'attachment; filename="tree.json"'


@pytest.mark.parametrize(
    ("method", "query", "body", "status", "sentence"),
    [
        ("GET", "?format=json&field=z", None, 400, "no child 'z' in 'the root'"),
        ("POST", "?format=json", b"[]", 422, "name at least one child"),
        ("POST", "?format=json", b'{"a": 1}', 422, "the body does not fit"),
        ("GET", "?format=zzz", None, 406, "application/json"),
        ("GET", "a?format=json", None, 404, "of family 'array'"),
    ],
)
def test_a_mistake_is_explained(connect, method, query, *, body, status, sentence) -> None:
    response = connect(TREE).request(method, f"container/full/{query}", content=body)
    assert response.status_code == status
    assert sentence in response.text


def test_a_tree_that_is_too_deep_is_refused(connect) -> None:
    tree: dict = {}
    for _ in range(40):
        tree = {"c": tree}
    response = connect(tree).get("container/full/?format=json")
    assert response.status_code == 406
    assert "levels deep: ask for one below it" in response.json()["detail"]
    assert connect(tree).get("container/full/" + "c/" * 20 + "?format=json").status_code == 200


def test_a_tree_that_contains_itself_is_refused(connect) -> None:
    tree: dict = {"a": 1}
    tree["self"] = tree
    caller = connect(tree)
    assert caller.get("container/full/?format=json").status_code == 406
    assert caller.json("metadata/self/self/self")["data"]["id"] == "self"
