"""What a container can do itself, and what is left to the server."""

from __future__ import annotations

import pytest
from tiled_bridge import searching
from tiled_bridge.searching import distinct, narrow, ordered

from tiledkernel.errors import NotReady, UnsupportedQuery
from tiledkernel.nodes.sorting import parse_sort
from tiledkernel.queries import Eq, KeyLookup, KeysFilter, Regex


@pytest.fixture
def service(site):
    colors = {"one": "red", "two": "blue", "three": "red"}
    return site.Service({key: site.Image(metadata={"color": color}) for key, color in colors.items()})


def test_a_query_that_the_adapter_can_run_is_left_to_it(service):
    found, left = narrow(service, [Eq("color", "red")])
    assert (list(found.children), left) == (["one", "three"], [])


def test_a_query_that_it_cannot_run_is_left_to_the_server(service):
    regex = Regex("color", "r")
    found, left = narrow(service, [regex, Eq("color", "blue")])
    assert (list(found.children), left) == (["two"], [regex])


@pytest.mark.parametrize("query", [KeyLookup("one"), KeysFilter(["one"])])
def test_keys_are_looked_up_by_the_server(service, query):
    assert narrow(service, [query]) == (service, [query])
    assert service.asked == []


def test_a_container_that_cannot_search_leaves_everything(site):
    folder = site.Folder({})
    assert narrow(folder, [Eq("a", 1)]) == (folder, [Eq("a", 1)])


def test_a_container_that_would_look_at_each_child_leaves_that_to_the_server(service, monkeypatch, site):
    monkeypatch.setattr(searching, "_IN_MEMORY", frozenset({site.Service.__module__}))
    assert narrow(service, [Eq("color", "red")]) == (service, [Eq("color", "red")])
    assert ordered(service, parse_sort(["color"])) is None
    assert distinct(service, ["color"], structure_families=False, specs=False, counts=False) is None


def test_too_many_children_are_not_looked_at(service, monkeypatch):
    monkeypatch.setattr(searching, "FEASIBLE", 2)
    assert narrow(service, [Eq("color", "red")])[1] == []
    with pytest.raises(UnsupportedQuery, match=r"the query 'regex' is not supported on this node: Service cannot run"):
        narrow(service, [Regex("color", "r")])
    assert narrow(service, [KeyLookup("one")])[1] == [KeyLookup("one")]


def test_what_a_search_raises_is_told(service):
    def fail(query):
        raise ConnectionError

    service.search = fail
    with pytest.raises(NotReady):
        narrow(service, [Eq("color", "red")])


def test_an_order_is_left_to_the_adapter(service):
    found = ordered(service, parse_sort(["-color"]))
    assert service.asked == [("sort", [("color", -1)])]
    assert list(found.children) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [(["-metadata.x.y", "n"], [("x.y", -1), ("n", 1)]), (["n", "+"], [("n", 1)])],
)
def test_an_order_is_told_by_dotted_keys(site, texts, words):
    service = site.Service({})
    service.sort = lambda sorting: sorting
    assert ordered(service, parse_sort(texts)) == words


@pytest.mark.parametrize("texts", [["-"], ["id"], ["n", "-"], ["n", "-id"]])
def test_an_order_by_place_or_key_is_the_servers(service, texts):
    assert ordered(service, parse_sort(texts)) is None
    assert service.asked == []


@pytest.mark.parametrize("error", [KeyError, TypeError, NotImplementedError])
def test_an_adapter_that_cannot_compare_leaves_the_order_to_the_server(service, error):
    def fail(sorting):
        raise error

    service.sort = fail
    assert ordered(service, parse_sort(["n"])) is None


def test_a_container_that_cannot_sort_says_so(site):
    assert ordered(site.Folder({}), parse_sort(["color"])) is None


def test_a_node_is_narrowed_and_ordered_as_its_adapter(composition, service):
    node = composition.adopt(service, {"extra": 1})
    narrowed, left = node.narrow([Eq("color", "red")])
    assert (narrowed.keys(), left, narrowed.metadata) == (["one", "three"], [], {"extra": 1})
    assert node.ordered(parse_sort(["color"])).keys() == ["two", "one", "three"]
    assert node.narrow([])[0] is node


def test_distinct_values_are_left_to_the_adapter(service):
    found = distinct(service, ["color"], structure_families=False, specs=False, counts=False)
    assert [item["value"] for item in found["metadata"]["color"]] == ["blue", "red"]
