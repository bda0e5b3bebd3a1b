"""Containers describe themselves, and their children with them where that saves requests."""

from __future__ import annotations

import time
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from tiledkernel.errors import BrokenLink
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.specs import Spec

ATTRIBUTES = [
    "access_tags",
    "ancestors",
    "data_sources",
    "metadata",
    "sorting",
    "specs",
    "structure",
    "structure_family",
]


def inline(depth: int) -> MemoryContainer:
    """Containers within each other, all of which want to be described whole."""
    below: dict[str, Any] = {"x": np.arange(2)} if depth == 0 else {"c": inline(depth - 1)}
    return MemoryContainer(below, inline=True)


def levels(structure: Any) -> int:
    """How many levels of a description are there."""
    depth = 0
    while structure and structure.get("contents"):
        structure = next(iter(structure["contents"].values()))["attributes"]["structure"]
        depth += 1
    return depth


def test_the_envelope_is_that_of_the_protocol(connect) -> None:
    tree = {
        "images": MemoryContainer(
            {"a": np.zeros(2), "b": np.zeros(2)}, metadata={"animal": "cat"}, specs=[Spec("s", "1"), "t"]
        )
    }
    assert connect(tree).json("metadata/images") == {
        "data": {
            "id": "images",
            "attributes": {
                "ancestors": [],
                "structure_family": "container",
                "specs": [{"name": "s", "version": "1"}, {"name": "t", "version": None}],
                "metadata": {"animal": "cat"},
                "structure": {"contents": None, "count": 2},
                "access_tags": None,
                "sorting": [{"key": "_", "direction": 1}],
                "data_sources": None,
            },
            "links": {
                "self": "http://data.example/api/v1/metadata/images",
                "search": "http://data.example/api/v1/search/images",
                "search_deep": "http://data.example/api/v1/search-deep/images",
                "full": "http://data.example/api/v1/container/full/images",
            },
            "meta": None,
        },
        "error": None,
        "links": None,
        "meta": {},
    }


@pytest.mark.parametrize("path", ["metadata", "metadata/", "/api/v1/metadata/"])
def test_the_root_has_an_empty_id(connect, path) -> None:
    data = connect({"a": 1}).json(path)["data"]
    assert (data["id"], data["attributes"]["ancestors"]) == ("", [])


@pytest.mark.parametrize("path", ["metadata/a/b/c", "metadata/a/b/c/", "metadata//a//b///c", "metadata/a%2Fb/c"])
def test_empty_segments_are_ignored_and_encoded_slashes_separate(connect, path) -> None:
    data = connect({"a": {"b": {"c": np.zeros(2)}}}).json(path)["data"]
    assert (data["id"], data["attributes"]["ancestors"]) == ("c", ["a", "b"])


@pytest.mark.parametrize(
    "key", ["a b", "ü", "100%", "{0}", "a?b", "a#b", "a+b", "..", "~", "日本", "a'b\"c", "a;b=c&d"]
)
def test_any_text_without_a_slash_is_a_key_and_its_links_lead_back(connect, key) -> None:
    caller = connect({key: np.zeros(2)})
    described = caller.json("search/")["data"][0]
    assert described["id"] == key
    link = described["links"]["self"]
    assert "{" not in link
    segment = link.removeprefix("http://data.example/api/v1/metadata/")
    assert caller.raw("/api/v1/metadata/" + unquote(segment))[0]["status"] == 200


def test_what_is_inlined_saves_the_client_its_requests(connect) -> None:
    structure = connect({"c": inline(0)}).json("metadata/c")["data"]["attributes"]["structure"]
    assert structure["count"] == 1
    child = structure["contents"]["x"]
    assert child["id"] == "x"
    assert child["attributes"]["ancestors"] == ["c"]
    assert child["attributes"]["structure"]["shape"] == [2]
    assert child["links"]["full"] == "http://data.example/api/v1/array/full/c/x"


@pytest.mark.parametrize(("query", "depth"), [("", 5), ("?max_depth=5", 5), ("?max_depth=2", 2), ("?max_depth=0", 0)])
def test_inlining_stops_at_a_depth(connect, query, depth) -> None:
    caller = connect({"c": inline(8)})
    assert levels(caller.json(f"metadata/c{query}")["data"]["attributes"]["structure"]) == depth
    assert levels(caller.json(f"search/{query}")["data"][0]["attributes"]["structure"]) == depth


def test_a_container_of_many_is_never_inlined(connect) -> None:
    tree = {
        n: MemoryContainer({str(i): 1 for i in range(count)}, inline=True) for n, count in (("few", 500), ("many", 501))
    }
    caller = connect(tree)
    assert len(caller.json("metadata/few")["data"]["attributes"]["structure"]["contents"]) == 500
    assert caller.json("metadata/many")["data"]["attributes"]["structure"] == {"contents": None, "count": 501}


def test_inlined_children_obey_what_is_asked_for(connect) -> None:
    child = connect({"c": inline(0)}).json("metadata/c?fields=structure&omit_links=true")["data"]["attributes"][
        "structure"
    ]["contents"]["x"]
    assert child["links"] is None
    assert child["attributes"]["metadata"] is None


@pytest.mark.parametrize("field", ["metadata", "structure_family", "structure", "specs", "sorting"])
def test_only_the_fields_asked_for_are_filled(connect, field) -> None:
    node = MemoryArray(np.zeros(2), metadata={"a": 1}, specs=["s"])
    attributes = connect({"a": node}).json(f"metadata/a?fields={field}")["data"]["attributes"]
    assert sorted(attributes) == ATTRIBUTES
    filled = {name for name, value in attributes.items() if value is not None}
    assert filled == {"ancestors", field} - {"sorting"}


def test_an_empty_field_asks_for_keys_only(connect) -> None:
    resource = connect({"a": np.zeros(2)}).json("search/?fields=")["data"][0]
    assert resource["links"] == {"self": "http://data.example/api/v1/metadata/a"}
    assert {name for name, value in resource["attributes"].items() if value is not None} == {"ancestors"}


def test_containers_always_tell_their_family_and_count_on_demand(connect) -> None:
    caller = connect({"c": {"a": 1}})
    assert caller.json("metadata/c?fields=metadata")["data"]["attributes"]["structure_family"] == "container"
    assert caller.json("metadata/c?fields=count")["data"]["attributes"]["structure"] == {"contents": None, "count": 1}
    assert caller.json("metadata/c?fields=metadata")["data"]["attributes"]["structure"] is None


def test_links_can_be_left_out(connect) -> None:
    caller = connect({"a": np.zeros(2)})
    assert caller.json("metadata/a?omit_links=true")["data"]["links"] is None
    assert caller.json("search/?omit_links=1")["data"][0]["links"] is None
    assert caller.json("search/?omit_links=yes&fields=")["data"][0]["links"] is None


def test_the_root_path_is_told_on_demand(connect) -> None:
    caller = connect({"a": 1}, root_path="/data")
    assert caller.json("metadata/?root_path=true")["meta"] == {"root_path": "/data/api"}


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ("color", "red"),
        ("sample.name", "x"),
        ("false", None),
        ("`false`", False),
        ("nope", None),
        ("[color, n]", ["red", 3]),
        ("{c: color}", {"c": "red"}),
        ("keys(@)", ["color", "n", "sample", "when"]),
        ("list[::2]", None),
        ("length(color)", 3),
    ],
)
def test_metadata_can_be_selected(connect, expression, selected) -> None:
    metadata = {"color": "red", "n": np.int64(3), "sample": {"name": "x"}, "when": np.datetime64("2026-01-02")}
    caller = connect({"a": MemoryArray(np.zeros(2), metadata=metadata)})
    for path, data in (("metadata/a", lambda d: d), ("search/", lambda d: d[0])):
        found = caller.json(path, params={"select_metadata": expression})["data"]
        assert data(found)["attributes"]["metadata"] == {"selected": selected}


def test_inline_metadata_of_a_text_with_half_a_character_is_served(connect) -> None:
    caller = connect({"a": MemoryArray(np.zeros(2), metadata={"name": "caf\udce9"})})
    assert caller.json("metadata/a")["data"]["attributes"]["metadata"] == {"name": "caf?"}
    assert caller.get("search/", headers={"accept": "application/x-msgpack"}).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("metadata/a?fields=colour", 422, "unknown field 'colour'"),
        ("metadata/a?max_depth=6", 422, "expected 0 to 5"),
        ("metadata/a?max_depth=-1", 422, "expected 0 to 5"),
        ("metadata/a?omit_links=perhaps", 422, "expected true or false"),
        ("metadata/a?select_metadata=[", 400, "no JMESPath expression"),
        ("metadata/a?select_metadata=", 400, "no JMESPath expression"),
        ("metadata/a?select_metadata=nofunction(@)", 400, "could not be applied: Unknown function"),
        ("metadata/a?select_metadata=abs(color)", 400, "could not be applied"),
        ("search/?select_metadata=abs(color)", 400, "could not be applied"),
        ("metadata/a?select_metadata=list[::0]", 400, "step"),
        ("metadata/a?field=metadata", 422, "did you mean 'fields'?"),
        ("metadata/nope", 404, "no such entry: ['nope']"),
        ("metadata/a/b/c", 404, "no children"),
    ],
)
def test_a_mistake_is_explained(connect, query, status, sentence) -> None:
    response = connect({"a": MemoryArray(np.zeros(2), metadata={"color": "red", "list": [1]})}).get(query)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    assert sentence in response.text


def test_a_description_tells_until_when_it_is_current(connect) -> None:
    caller = connect({"c": MemoryContainer({"a": 1}, stale_after=timedelta(hours=1))})
    for path in ("metadata/c", "search/c"):
        headers = caller.get(path).headers
        left = parsedate_to_datetime(headers["expires"]).timestamp() - time.time()
        assert 3500 < left < 3700
    assert "expires" not in caller.get("metadata/").headers


@pytest.mark.parametrize("tree", [{1: np.zeros(2)}, {None: 1}])
def test_keys_that_are_no_texts_are_refused_before_anything_starts(connect, tree) -> None:
    with pytest.raises(TypeError, match="the keys of a container are texts"):
        connect(tree)
    assert connect({"c": tree, "a": 1}).json("search/")["meta"]["count"] == 2


class Links(MemoryContainer):
    """A container whose child "gone" is a link that leads nowhere."""

    def __getitem__(self, key: str) -> Any:
        if key == "gone":
            raise BrokenLink("link 'gone' leads nowhere")
        return super().__getitem__(key)


def test_children_are_not_described_inline_beside_a_broken_link(connect) -> None:
    children = {"a": np.ones(2), "gone": None}
    caller = connect({"c": Links(children, inline=True), "d": MemoryContainer({"a": np.ones(2)}, inline=True)})
    assert caller.json("metadata/c")["data"]["attributes"]["structure"] == {"contents": None, "count": 2}
    assert list(caller.json("metadata/d")["data"]["attributes"]["structure"]["contents"]) == ["a"]
    assert [item["id"] for item in caller.json("search/c")["data"]] == ["a", "gone"]
    assert caller.get("metadata/c/gone").status_code == 410
