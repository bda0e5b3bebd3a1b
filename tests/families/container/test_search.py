"""Listing and searching: paging, sorting, filters, and counts."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer

METADATA: dict[str, dict[str, Any]] = {
    "red": {"color": "red", "n": 1, "sample": {"mass": 1.5}, "tags": ["a", "b"], "note": "The quick fox", "none": None},
    "blue": {"color": "blue", "n": 10, "sample": {"mass": 2.5}, "tags": ["b"], "note": "dark-red dogs"},
    "green": {"color": "green", "n": 2, "tags": [], "note": 'a "quoted" DOG', "flag": True, "zero": 0},
    "bare": {},
}


@pytest.fixture(scope="module")
def caller(connect_once):
    tree = {
        key: MemoryArray(np.zeros(2), metadata=metadata, specs=["s"] if key == "red" else [])
        for key, metadata in METADATA.items()
    }
    return connect_once(tree | {"box": MemoryContainer({}, metadata={"color": "red"}, specs=["s", "t"])})


@pytest.mark.parametrize(
    ("name", "fields", "found"),
    [
        ("eq", {"key": "color", "value": '"red"'}, ["red", "box"]),
        ("eq", {"key": "sample.mass", "value": "1.5"}, ["red"]),
        ("eq", {"key": "n", "value": "1.0"}, ["red"]),
        ("eq", {"key": "n", "value": '"1"'}, []),
        ("eq", {"key": "zero", "value": "false"}, []),
        ("eq", {"key": "none", "value": "null"}, ["red"]),
        ("eq", {"key": "tags", "value": '["a","b"]'}, ["red"]),
        ("eq", {"key": "sample", "value": '{"mass":1.5}'}, ["red"]),
        ("noteq", {"key": "color", "value": '"red"'}, ["blue", "green"]),
        ("comparison", {"operator": "lt", "key": "n", "value": "10"}, ["red", "green"]),
        ("comparison", {"operator": "ge", "key": "n", "value": "10"}, ["blue"]),
        ("comparison", {"operator": "gt", "key": "color", "value": '"green"'}, ["red", "box"]),
        ("contains", {"key": "tags", "value": '"b"'}, ["red", "blue"]),
        ("in", {"key": "color", "value": '["red","green"]'}, ["red", "green", "box"]),
        ("in", {"key": "color", "value": "[]"}, []),
        ("notin", {"key": "color", "value": '["red"]'}, ["blue", "green"]),
        ("notin", {"key": "color", "value": "[]"}, ["red", "blue", "green", "bare", "box"]),
        ("keypresent", {"key": "none", "exists": "true"}, ["red"]),
        ("keypresent", {"key": "n", "exists": "false"}, ["bare", "box"]),
        ("like", {"key": "color", "pattern": '"%RE%"'}, ["red", "green", "box"]),
        ("like", {"key": "color", "pattern": '"b_ue"'}, ["blue"]),
        ("regex", {"key": "color", "pattern": "^gr"}, ["green"]),
        ("regex", {"key": "color", "pattern": "RED", "case_sensitive": "false"}, ["red", "box"]),
        ("fulltext", {"text": "dog"}, ["green"]),
        ("fulltext", {"text": "dark-red"}, ["blue"]),
        ("fulltext", {"text": '"quoted"'}, ["green"]),
        ("lookup", {"key": "blue"}, ["blue"]),
        ("lookup", {"key": "nope"}, []),
        ("keys_filter", {"keys": '["blue","bare","nope"]'}, ["blue", "bare"]),
        ("keys_filter", {"keys": "[]"}, []),
        ("specs", {"include": '["s"]', "exclude": '["t"]'}, ["red"]),
        ("structure_family", {"value": "container"}, ["box"]),
        ("access_tags_filter", {"tags": '["a"]'}, []),
    ],
)
def test_a_filter_finds_what_it_says(caller, name, fields, found) -> None:
    params = {f"filter[{name}][condition][{field}]": text for field, text in fields.items()}
    for extra in ({}, {"fields": ""}):
        page = caller.json("search/", params=params | extra)
        assert [item["id"] for item in page["data"]] == found
        assert page["meta"]["count"] == len(found)


def test_filters_combine_and_repeat(caller) -> None:
    params = [
        ("filter[eq][condition][key]", "color"),
        ("filter[eq][condition][key]", "n"),
        ("filter[eq][condition][value]", '"red"'),
        ("filter[eq][condition][value]", "1"),
        ("filter[structure_family][condition][value]", "array"),
    ]
    assert [item["id"] for item in caller.json("search/", params=params)["data"]] == ["red"]


def test_two_different_lookups_find_nothing(caller) -> None:
    params = [("filter[lookup][condition][key]", "red"), ("filter[lookup][condition][key]", "blue")]
    assert caller.json("search/", params=params)["data"] == []


@pytest.mark.parametrize(
    ("params", "status", "sentence"),
    [
        (
            {"filter[eq][condition][key]": "a", "filter[eq][condition][value]": "red"},
            422,
            "write a string in double quotes",
        ),
        ({"filter[eq][condition][key]": "a"}, 422, "missing"),
        ({"filter[eq][condition][kye]": "a"}, 422, "no such field"),
        ({"filter[eqq][condition][key]": "a"}, 400, "did you mean 'eq'?"),
        ({"filter[eq]": "a"}, 422, "expected filter[<query>][condition][<field>]"),
        ({"filter[]": ""}, 422, "is no filter"),
        (
            {
                "filter[comparison][condition][operator]": "xx",
                "filter[comparison][condition][key]": "a",
                "filter[comparison][condition][value]": "1",
            },
            422,
            "no operator 'xx'",
        ),
        ({"filter[structure_family][condition][value]": "nope"}, 422, "no structure family"),
        (
            {"filter[regex][condition][key]": "a", "filter[regex][condition][pattern]": "("},
            422,
            "no regular expression",
        ),
        ({"filter[in][condition][key]": "a", "filter[in][condition][value]": "3"}, 422, "expected a JSON list"),
        ({"filter[fulltext][condition][text]": "--"}, 422, "at least one word"),
        (
            {"filter[keypresent][condition][key]": "a", "filter[keypresent][condition][exists]": "x"},
            422,
            "expected 'true' or 'false'",
        ),
        (
            {"filter[eq][condition][key]": ["a"] * 101, "filter[eq][condition][value]": ["1"] * 101},
            400,
            "too many filters",
        ),
        ({"page[limit]": 301}, 422, "expected 0 to 300"),
        ({"page[limit]": -1}, 422, "expected 0 to 300"),
        ({"page[limit]": 10**30}, 422, "expected 0 to 300"),
        ({"page[limit]": "ten"}, 422, "expected a whole number"),
        ({"page[offset]": -1}, 422, "out of range"),
        ({"page[cursor]": -1}, 422, "out of range"),
        ({"page[offset]": 1, "page[cursor]": 1}, 400, "cannot be used together"),
        ({"page[cursor]": 1, "sort": "color"}, 400, "use 'page[offset]' with 'sort'"),
        ({"sort": "-+id"}, 422, "is not understood"),
        ({"sort": "a b"}, 422, "is not understood"),
        ({"sort": ["color", "-color"]}, 400, "second time"),
        ({"sort": ["-", "color"]}, 400, "must be the last"),
        ({"max_depth": 9}, 422, "expected 0 to 5"),
        ({"pagelimit": 3}, 422, "did you mean 'page[limit]'?"),
    ],
)
def test_a_mistake_is_explained(caller, params, status, sentence) -> None:
    response = caller.get("search/", params=params)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    assert sentence in str(response.json()["detail"])


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", ["red", "blue", "green", "bare", "box"]),
        ("sort=", ["red", "blue", "green", "bare", "box"]),
        ("sort=-", ["box", "bare", "green", "blue", "red"]),
        ("sort=_", ["red", "blue", "green", "bare", "box"]),
        ("sort=-_", ["box", "bare", "green", "blue", "red"]),
        ("sort=id", ["bare", "blue", "box", "green", "red"]),
        ("sort=%2Bid", ["bare", "blue", "box", "green", "red"]),
        ("sort=-id", ["red", "green", "box", "blue", "bare"]),
        ("sort=color", ["blue", "green", "red", "box", "bare"]),
        ("sort=-color", ["red", "box", "green", "blue", "bare"]),
        ("sort=metadata.n", ["red", "green", "blue", "bare", "box"]),
        ("sort=color&sort=-", ["blue", "green", "box", "red", "bare"]),
        ("sort=sample.mass", ["red", "blue", "green", "bare", "box"]),
        ("sort=nobody.has.it", ["red", "blue", "green", "bare", "box"]),
    ],
)
def test_sorting_orders_keys_and_full_items_alike(caller, query, order) -> None:
    for fields in ("", "&fields=", "&fields=metadata"):
        assert [item["id"] for item in caller.json(f"search/?{query}{fields}")["data"]] == order


def follow(caller, query: str) -> tuple[list[str], int]:
    """All keys, page by page, and the number of pages; the parameters are sent again with each page."""
    found, pages = [], 0
    page = caller.json(f"search/?{query}")
    while True:
        pages += 1
        found += [item["id"] for item in page["data"]]
        link = page["links"]["next"]
        if link is None:
            return found, pages
        place = link.partition("?")[2]
        others = "&".join(part for part in query.split("&") if not part.startswith("page"))
        page = caller.json(f"search/?{place}&{others}")


@pytest.mark.parametrize("query", ["", "fields=&", "sort=id&", "sort=-id&", "sort=-&", "sort=_&", "sort=-_&fields=&"])
@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_pages_together_are_the_listing(connect, query, limit) -> None:
    caller = connect({f"k{n:03}": 1 for n in range(20)})
    whole = [item["id"] for item in caller.json(f"search/?{query}page[limit]=300")["data"]]
    found, pages = follow(caller, f"{query}page[limit]={limit}")
    assert found == whole
    assert pages == -(-20 // limit)


def test_a_custom_order_pages_beyond_any_inexact_count(connect) -> None:
    caller = connect({f"k{n:03}": MemoryArray(0, metadata={"n": -n}) for n in range(250)})
    found, _ = follow(caller, "sort=n&page[limit]=100")
    assert found == [f"k{n:03}" for n in reversed(range(250))]


def test_links_name_their_page(connect) -> None:
    caller = connect({"q": {str(n): 1 for n in range(5)}})
    base = "http://data.example/api/v1/search/q?"
    first = caller.json("search/q?page[limit]=2")["links"]
    assert first["self"] == first["first"] == base + "page[limit]=2"
    assert first["next"].startswith(base + "page[cursor]=")
    second = caller.json("search/q?page[offset]=2&page[limit]=2")["links"]
    assert second["self"] == base + "page[offset]=2&page[limit]=2"
    assert second["next"].startswith(base + "page[cursor]=")
    custom = caller.json("search/q?page[limit]=2&sort=id")["links"]
    assert custom["next"] == base + "page[offset]=2&page[limit]=2"


def test_an_empty_page_still_has_its_links_and_the_count(connect) -> None:
    caller = connect({str(n): 1 for n in range(5)})
    page = caller.json("search/?page[limit]=0")
    assert (page["data"], page["meta"]["count"], page["links"]["next"]) == ([], 5, None)
    assert page["links"]["self"].endswith("page[limit]=0")


@pytest.mark.parametrize("query", ["page[offset]=5", "page[offset]=1000000", "page[cursor]=99999999999999"])
def test_a_page_past_the_end_is_empty(connect, query) -> None:
    page = connect({str(n): 1 for n in range(5)}).json(f"search/?{query}")
    assert (page["data"], page["links"]["next"]) == ([], None)


def test_only_the_count_can_be_asked_for(connect) -> None:
    page = connect({str(n): 1 for n in range(500)}).json("search/?fields=count")
    assert (page["data"], page["meta"]) == ([], {"count": 500})


def test_the_default_page_has_a_hundred(connect) -> None:
    assert len(connect({str(n): 1 for n in range(150)}).json("search/")["data"]) == 100


def test_a_listing_that_changes_neither_repeats_nor_skips(connect) -> None:
    live = {f"k{n}": 1 for n in range(6)}
    caller = connect(live)
    first = caller.json("search/?page[limit]=3&fields=")
    del live["k0"]
    place = first["links"]["next"].partition("?")[2]
    assert [item["id"] for item in caller.json(f"search/?{place}&fields=")["data"]] == ["k3", "k4", "k5"]


def test_a_listing_asks_to_be_revalidated_and_a_lookup_does_not(caller) -> None:
    assert caller.get("search/").headers["cache-control"] == "must-revalidate"
    assert "cache-control" not in caller.get("search/?filter[lookup][condition][key]=red").headers


def test_nodes_that_are_no_containers_cannot_be_searched(caller) -> None:
    assert caller.get("search/red").status_code == 404
    assert caller.get("distinct/red?specs=true").status_code == 405


def test_distinct_values_are_counted(caller) -> None:
    found = caller.json("distinct/?metadata=color&metadata=sample.mass&specs=true&structure_families=true&counts=true")
    assert found["metadata"]["color"] == [
        {"value": "red", "count": 2},
        {"value": "blue", "count": 1},
        {"value": "green", "count": 1},
    ]
    assert found["metadata"]["sample.mass"] == [{"value": 1.5, "count": 1}, {"value": 2.5, "count": 1}]
    assert found["structure_families"] == [{"value": "array", "count": 4}, {"value": "container", "count": 1}]
    assert [(item["count"], [spec["name"] for spec in item["value"]]) for item in found["specs"]] == [
        (1, ["s"]),
        (3, []),
        (1, ["s", "t"]),
    ]


def test_distinct_obeys_filters_and_leaves_out_what_is_not_asked_for(caller) -> None:
    params = {
        "metadata": "color",
        "filter[eq][condition][key]": "color",
        "filter[eq][condition][value]": json.dumps("red"),
    }
    assert caller.json("distinct/", params=params) == {
        "metadata": {"color": [{"value": "red", "count": None}]},
        "structure_families": None,
        "specs": None,
    }


def test_distinct_takes_a_bounded_number_of_keys(caller) -> None:
    response = caller.get("distinct/", params={"metadata": ["a"] * 101})
    assert response.status_code == 422
    assert "at most 100" in response.text


def test_the_same_answers_come_as_msgpack(caller) -> None:
    for path in ("search/", "metadata/red", "distinct/?metadata=color&counts=true"):
        packed = caller.get(path, headers={"accept": "application/x-msgpack"})
        assert packed.headers["content-type"] == "application/x-msgpack"
        assert msgspec.msgpack.decode(packed.content) == caller.json(path)
