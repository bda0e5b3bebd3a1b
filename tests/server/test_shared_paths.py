"""One path may have a route for each family; the node decides which of them answers."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from tiledkernel import Route
from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.bytes.reader import OpaqueBytes
from tiledkernel.plugins import discover
from tiledkernel.server import build_app
from tiledkernel.server.routing import RouteTable


@pytest.fixture
def shared(toy) -> Composition:
    """The kernel and the plugin of the shared path; `toy` has made it importable."""
    return Composition(discover(third_party=False, extra={"routes": importlib.import_module("toy_routes")}))


@pytest.fixture
def caller(connect, shared) -> Any:
    tree = {"a": MemoryArray(np.zeros(3)), "c": {"below": 1}, "b": OpaqueBytes()}
    return connect(tree, composition=shared)


def test_the_route_of_the_nodes_family_answers(caller):
    assert caller.json("/toy/part/a?row=2") == {"row": 2, "body": None}
    assert caller.json("/toy/part/c?name=x") == {"name": "x", "filters": ["name"]}


def test_each_route_has_its_own_parameters(caller):
    assert caller.get("/toy/part/c").json()["name"] == "nobody"
    (missing,) = caller.get("/toy/part/a").json()["detail"]
    assert missing["loc"] == ["query", "row"]
    (unknown,) = caller.get("/toy/part/a?row=1&name=x").json()["detail"]
    assert unknown["msg"].startswith("unknown query parameter 'name'")
    assert caller.get("/toy/part/c?filter[eq][condition][key]=x").status_code == 200
    assert caller.get("/toy/part/a?row=1&filter[eq][condition][key]=x").status_code == 422


def test_a_method_that_only_one_family_has_is_for_that_family(caller):
    assert caller.post("/toy/part/a?row=1", json=[3]).json() == {"row": 1, "body": [3]}
    assert caller.post("/toy/part/c?row=1").status_code == 404


def test_a_node_of_another_family_is_told_which_ones_there_are(caller):
    response = caller.get("/toy/part/b")
    assert response.status_code == 404
    assert (
        response.json()["detail"]
        == "no such entry: 'b' is of family 'bytes'; /part answers for array, container, table"
    )


@pytest.mark.parametrize("path", ["a?row=1", "c", "b", "nowhere"])
def test_the_scope_is_needed_before_anything_is_looked_up(connect, shared, path):
    caller = connect({"a": MemoryArray(np.zeros(3)), "c": {}, "b": OpaqueBytes()}, composition=shared, public=False)
    assert caller.get(f"/toy/part/{path}").status_code == 401


def test_the_description_has_the_parameters_of_all(caller):
    operation = caller.json("/openapi.json")["paths"]["/toy/part/{path}"]["get"]
    required = {parameter["name"]: parameter["required"] for parameter in operation["parameters"]}
    assert required == {"path": True, "row": False, "name": False, "both": False, "filter": False}
    assert operation["summary"] == "A row of an array or a table. A name in a container."


def route(*families: str, path: str = "/x/{path}", scopes: frozenset[str] = frozenset(), **fields: Any) -> Route:
    return Route(path=path, handler=lambda request: None, scopes=scopes, families=frozenset(families), **fields)


@pytest.mark.parametrize(
    ("routes", "sentence"),
    [
        ([route("a"), route("a")], "two routes answer GET '/x/{path}' for a$"),
        ([route("a", "b"), route("c"), route("d", "b")], "two routes answer GET '/x/{path}' for b$"),
        ([route("a"), route()], "for all families"),
        ([route(), route("a")], "for all families"),
        ([route("a", path="/x"), route("b", path="/x")], "two routes answer GET '/x'"),
        ([route("a", path="/x/{path}"), route("b", path="/x")], "two routes answer GET"),
        ([route("a"), route("b", scopes=frozenset({"read:data"}))], "of a and of b differ in 'scopes'"),
        ([route("a"), route("b", body=list[str])], "differ in 'body'"),
        ([route("a"), route("b", describes=True)], "differ in 'describes'"),
    ],
)
def test_what_cannot_be_told_apart_does_not_start(kernel, routes, sentence):
    service = build_app({"a": 1}, composition=kernel).state.service
    with pytest.raises(ConfigurationError, match=sentence.replace("{", r"\{").replace("}", r"\}")):
        RouteTable(service, routes)
