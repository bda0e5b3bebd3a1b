"""New nodes: exactly one, whatever happens to the connection, and shown as a reader sees it."""

from __future__ import annotations

import datetime
import sys
import types
import uuid
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest

from tiledkernel.client import ClientError, classes
from tiledkernel.client.classes import ClientClass
from tiledkernel.client.creating import creating
from tiledkernel.client.data_sources import Asset, DataSource, Management
from tiledkernel.client.errors import UnknownStructureFamily
from tiledkernel.families.array.structure import ArrayStructure, DataType
from tiledkernel.specs import Spec

from .scripted import message, resource

ROOT = resource("")
LOST = httpx.ReadTimeout("no answer")
TAKEN = message({"detail": "the key is taken"}, 409)
MADE = message({"id": "x", "links": resource("x")["links"]})
INTEGERS = ArrayStructure(
    data_type=DataType(endianness="little", kind="i", itemsize=8), shape=(2, 3), chunks=((2,), (3,)), dims=("a", "b")
)


# What is sent


def test_a_container_is_described_as_the_protocol_has_it(scripted_client: Any) -> None:
    client, app = scripted_client(ROOT, MADE)
    made = client.create_container("x", metadata={"color": "blue"}, specs=["a", Spec("b", "2")], access_tags=["t"])
    (request,) = app.received
    assert (request.method, request.path) == ("POST", "/api/v1/metadata/")
    assert request.json == {
        "id": "x",
        "structure_family": "container",
        "metadata": {"color": "blue"},
        "specs": [{"name": "a", "version": None}, {"name": "b", "version": "2"}],
        "access_tags": ["t"],
        "data_sources": [],
    }
    assert (made.path_parts, dict(made.metadata), list(made.access_tags)) == (["x"], {"color": "blue"}, ["t"])
    assert list(made.specs) == [Spec("a"), Spec("b", "2")]


def test_a_data_source_is_described_as_the_protocol_has_it(scripted_client: Any) -> None:
    client, app = scripted_client(ROOT, message({"id": "x", "links": resource("x", "array")["links"]}))
    made = client.new("array", [DataSource(structure_family="array", structure=INTEGERS)], key="x")
    (source,) = app.received[0].json["data_sources"]
    assert source == {
        "structure_family": "array",
        "structure": {
            "data_type": {"endianness": "little", "kind": "i", "itemsize": 8},
            "shape": [2, 3],
            "chunks": [[2], [3]],
            "dims": ["a", "b"],
            "resizable": False,
        },
        "id": None,
        "mimetype": None,
        "parameters": {},
        "properties": {},
        "assets": [],
        "management": "writable",
    }
    assert repr(made) == "<ArrayClient shape=(2, 3) chunks=((2,), (3,)) dtype=int64 dims=('a', 'b')>"


def test_numbers_of_numpy_are_numbers(scripted_client: Any) -> None:
    client, app = scripted_client(ROOT, message({"id": "x", "links": resource("x", "array")["links"]}))
    structure = {
        "data_type": msgspec.to_builtins(INTEGERS.data_type),
        "shape": [np.int64(1)],
        "chunks": [[np.int64(1)]],
    }
    source = DataSource(structure_family="array", structure=structure, management=Management.locked)
    client.new("array", [source], key="x")
    (sent,) = app.received[0].json["data_sources"]
    assert (sent["structure"]["shape"], sent["management"]) == ([1], "locked")


def test_files_are_registered(scripted_client: Any) -> None:
    client, app = scripted_client(resource("a"), message({"id": "x", "links": resource("x", "array")["links"]}))
    asset = Asset(data_uri="file://localhost/x.npy", is_directory=False, parameter="data_uri")
    source = DataSource(structure_family="array", structure=INTEGERS, management="external", assets=[asset])
    client.new("array", [source], key="x")
    (request,) = app.received
    assert request.path == "/api/v1/register/a"
    assert request.json["data_sources"][0]["assets"] == [
        {
            "data_uri": "file://localhost/x.npy",
            "is_directory": False,
            "parameter": "data_uri",
            "num": None,
            "id": None,
            "size": None,
        }
    ]


def test_what_the_server_decides_is_shown(scripted_client: Any) -> None:
    decided = {"metadata": {"checked": True}, "access_tags": ["public"]}
    client, _ = scripted_client(ROOT, message({"id": "x", "links": resource("x")["links"], **decided}))
    made = client.create_container("x", metadata={"a": 1})
    assert (dict(made.metadata), list(made.access_tags)) == ({"checked": True}, ["public"])


def test_links_with_empty_segments_are_mended(scripted_client: Any) -> None:
    links = {"self": "http://local-tiled-app/api/v1/metadata//x?a=//"}
    client, _ = scripted_client(ROOT, message({"id": "x", "links": links}))
    assert client.create_container("x").uri == "http://local-tiled-app/api/v1/metadata/x?a=//"


# What is refused before anything is sent


@pytest.mark.parametrize(
    ("key", "kind", "word"),
    [
        ("a/b", ValueError, "'/' separates the keys in a path"),
        ("", ValueError, "means something else in a path"),
        ("..", ValueError, "means something else in a path"),
        ("a\0b", ValueError, "contains a NUL character, or half of a character"),
        ("\ud800", ValueError, "contains a NUL character, or half of a character"),
        (3, TypeError, "expected a text"),
    ],
)
def test_a_key_that_no_path_can_be_made_of_is_refused(scripted_client: Any, key: Any, kind: Any, word: str) -> None:
    client, app = scripted_client(ROOT, MADE)
    with pytest.raises(kind, match=word):
        client.create_container(key)
    assert not app.received


@pytest.mark.parametrize(
    ("described", "kind", "word"),
    [
        ({"metadata": ["a"]}, ValueError, "metadata are a mapping"),
        ({"metadata": {"a": object()}}, TypeError, "cannot be stored"),
        ({"specs": "a"}, TypeError, r"specs are a list: expected \['a'\]"),
        ({"specs": [3]}, TypeError, r"3 is no spec: expected a name, or Spec\('name', version='1'\)"),
        ({"specs": [{"version": "1"}]}, TypeError, "is no spec: expected a name"),
    ],
)
def test_a_description_that_cannot_be_meant_is_refused(
    scripted_client: Any, described: Any, kind: Any, word: str
) -> None:
    client, app = scripted_client(ROOT, MADE)
    with pytest.raises(kind, match=word):
        client.create_container("x", **described)
    assert not app.received


def test_a_node_of_data_has_one_data_source(scripted_client: Any) -> None:
    client, app = scripted_client(ROOT, MADE)
    with pytest.raises(ValueError, match="made of one data source, not of 0"):
        client.new("array", [])
    assert not app.received


def test_a_family_that_cannot_be_shown_is_refused_before_it_is_made(scripted_client: Any) -> None:
    client, app = scripted_client(ROOT, MADE)
    with pytest.raises(UnknownStructureFamily, match="pip install tiled-graph"):
        client.new("graph", [DataSource(structure_family="graph")])
    assert not app.received


# Once, whatever happens


def test_the_same_token_and_key_are_sent_again(scripted_client: Any, impatient: None) -> None:
    client, app = scripted_client(ROOT, LOST, MADE)
    client.create_container()
    first, second = app.received
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    assert uuid.UUID(first.json["id"])


def test_each_node_has_its_own_token(scripted_client: Any) -> None:
    client, app = scripted_client(ROOT, MADE)
    client.create_container("x")
    client.create_container("y")
    first, second = app.received
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


def test_a_node_that_a_doubtful_attempt_has_made_is_adopted(scripted_client: Any, impatient: None) -> None:
    """As by servers that know no tokens."""
    found = resource("x", metadata={"color": "blue"}, specs=[{"name": "a", "version": None}], access_tags=[])
    client, app = scripted_client(ROOT, LOST, TAKEN, message({"data": found}))
    made = client.create_container("x", metadata={"color": "blue"}, specs=["a"])
    assert made.uri == found["links"]["self"]
    assert [request.method for request in app.received] == ["POST", "POST", "GET"]


@pytest.mark.parametrize(
    "other", [{"metadata": {"color": "red"}}, {"specs": [{"name": "b", "version": None}]}, {"family": "array"}]
)
def test_a_node_that_is_another_one_is_not_adopted(scripted_client: Any, impatient: None, other: Any) -> None:
    client, _ = scripted_client(ROOT, LOST, TAKEN, message({"data": resource("x", **other)}))
    with pytest.raises(ClientError, match="409: the key is taken"):
        client.create_container("x")


def test_a_node_is_not_adopted_without_doubt(scripted_client: Any, impatient: None) -> None:
    client, app = scripted_client(ROOT, message({"detail": "busy"}, 429), TAKEN, message({"data": resource("x")}))
    with pytest.raises(ClientError, match="409: the key is taken"):
        client.create_container("x")
    assert len(app.received) == 2


# With our own server


def test_a_new_container_is_there(catalog: Any) -> None:
    assert len(catalog) == 0
    made = catalog.create_container("x", metadata={"color": "blue"}, specs=["a"])
    assert len(catalog) == 1
    inner = made.create_container("inner")
    assert inner.path_parts == ["x", "inner"]
    found = catalog["x"]
    assert list(found) == ["inner"]
    assert (made.uri, dict(made.metadata), list(made.specs)) == (found.uri, dict(found.metadata), list(found.specs))
    assert made.sorting == found.sorting == [("", 1)]


def test_a_new_container_has_a_key_of_its_own_if_none_is_given(catalog: Any) -> None:
    first, second = catalog.create_container(), catalog.create_container()
    assert list(catalog) == [first.path_parts[-1], second.path_parts[-1]]


def test_a_key_that_is_taken_is_told(catalog: Any) -> None:
    catalog.create_container("x")
    with pytest.raises(ClientError, match=r"409: .*'x'"):
        catalog.create_container("x")


@pytest.mark.parametrize("key", ["bad key!", "ü", "a%2Fb", "?", "#", "a\\b"])
def test_any_other_text_is_a_key(catalog: Any, key: str) -> None:
    made = catalog.create_container(key)
    assert catalog[key].uri == made.uri
    assert list(catalog) == [key]


def test_the_writer_sees_what_a_reader_sees(catalog: Any) -> None:
    metadata = {
        "when": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        "numbers": np.arange(3),
        "missing": float("nan"),
        "bytes": b"123",
        "deep": {"a": {"b": (1, 2)}},
        7: "seven",
    }
    made = catalog.create_container("x", metadata=metadata)
    assert dict(made.metadata) == dict(catalog["x"].metadata)
    assert dict(made.metadata) == {
        "when": "2026-01-02T00:00:00Z",
        "numbers": [0, 1, 2],
        "missing": None,
        "bytes": "data:application/octet-stream;base64,MTIz",
        "deep": {"a": {"b": [1, 2]}},
        "7": "seven",
    }


def test_too_many_specs_are_refused(catalog: Any) -> None:
    with pytest.raises(ClientError, match=r"422: .*20"):
        catalog.create_container("x", specs=[f"s{number}" for number in range(21)])


# Families that plugins bring


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that shows and writes graphs, and tables."""
    plugin = types.ModuleType("graph_client")
    plugin.writing_graph = writing_graph
    plugin.CLIENT_CLASSES = tuple(
        ClientClass(name, "tiledkernel.families.container.client:Container", writing="graph_client:writing_graph")
        for name in ("container", "graph", "table")
    )
    monkeypatch.setitem(sys.modules, "graph_client", plugin)
    monkeypatch.setattr(classes, "installed_records", lambda: plugin.CLIENT_CLASSES)
    monkeypatch.setattr(classes, "installed_classes", lambda _: {one.name: one.cls for one in plugin.CLIENT_CLASSES})


def writing_graph(container: Any, edges: str, **described: Any) -> Any:
    source = DataSource(structure_family="graph", structure={"of": edges})
    return (yield from creating(container, "graph", [source], **described))


def test_a_plugin_says_how_its_family_is_written(scripted_client: Any, graphs: None) -> None:
    client, app = scripted_client(ROOT, MADE)
    client.write("graph", "edges", key="x", metadata={"a": 1})
    (request,) = app.received
    assert request.json["data_sources"][0]["structure"] == {"of": "edges"}
    assert (request.json["id"], request.json["metadata"]) == ("x", {"a": 1})


def test_the_former_name_of_tables_warns(scripted_client: Any, graphs: None) -> None:
    client, app = scripted_client(ROOT, MADE)
    with pytest.warns(DeprecationWarning, match="write_table"):
        client.write_dataframe("rows", key="x")
    assert app.received[0].json["data_sources"][0]["structure"] == {"of": "rows"}


def test_a_family_that_no_plugin_writes_is_refused_with_advice(scripted_client: Any) -> None:
    client, _ = scripted_client(ROOT, MADE)
    with pytest.raises(UnknownStructureFamily, match=r"writes data of .*'graph': `pip install tiled-graph`"):
        client.write("graph", "edges")
