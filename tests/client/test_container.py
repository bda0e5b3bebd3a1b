"""Containers of our own server: what they show, and what they ask for to show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tiledkernel.client import ASCENDING, DESCENDING, from_context, record_history
from tiledkernel.client.errors import UnknownStructureFamily
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.queries import Eq, FullText, Key

from .scripted import message, resource

COLORS = ["red", "green", "blue"]


def make_tree() -> MemoryContainer:
    """Twelve arrays with colors and numbers, and two levels of containers."""
    arrays = {
        f"k{number:02}": MemoryArray(np.arange(number + 1), metadata={"number": number, "color": COLORS[number % 3]})
        for number in range(12)
    }
    inner = MemoryContainer({"x": np.arange(3.0), "y z": np.arange(2)}, metadata={"color": "red", "inner": True})
    return MemoryContainer({**arrays, "outer": MemoryContainer({"inner": inner})}, metadata={"a": {"b": 1}})


KEYS = [f"k{number:02}" for number in range(12)] + ["outer"]


@pytest.fixture
def client(client_of: Any) -> Any:
    return client_of(make_tree())


@pytest.fixture
def history() -> Iterator[Any]:
    with record_history() as recorded:
        yield recorded


def paths(history: Any) -> list[str]:
    return [request.url.path.removeprefix("/api/v1/") for request in history.requests]


def test_it_is_a_mapping(client: Any) -> None:
    assert list(client) == KEYS
    assert len(client) == 13
    assert "k00" in client
    assert "nope" not in client
    assert 3 not in client
    assert client.get("nope") is None
    assert client.get("k00").shape == (1,)
    assert dict(client.items())["k03"].shape == (4,)


@pytest.mark.parametrize("key", ["outer/inner/x", ("outer", "inner", "x"), "/outer//inner/x/", ("outer/inner", "x")])
def test_several_segments_are_one_request(client: Any, history: Any, key: Any) -> None:
    assert client[key].path_parts == ["outer", "inner", "x"]
    assert len(history.requests) == 1


def test_segments_one_by_one_lead_to_the_same_node(client: Any) -> None:
    assert client["outer"]["inner"]["x"].uri == client["outer/inner/x"].uri


def test_keys_with_blanks_can_be_looked_up(client: Any) -> None:
    assert client["outer/inner/y z"].read().tolist() == [0, 1]


def test_a_missing_key_is_a_key_error_with_that_key(client: Any) -> None:
    with pytest.raises(KeyError) as caught:
        client["nope"]
    assert caught.value.args == ("nope",)


def test_a_missing_path_is_a_key_error_with_its_segments(client: Any) -> None:
    with pytest.raises(KeyError) as caught:
        client["outer/nope"]
    assert caught.value.args == (("outer", "nope"),)


@pytest.mark.parametrize("key", [3, ("outer", 3), None])
def test_only_strings_are_keys(client: Any, key: Any) -> None:
    with pytest.raises(TypeError, match="indexed by strings"):
        client[key]


@pytest.mark.parametrize("key", ["a\0b", "\ud800", "outer/\udce9"])
def test_what_cannot_stand_in_a_path_is_the_key_of_nothing(client: Any, key: str) -> None:
    with pytest.raises(KeyError):
        client[key]


@pytest.mark.parametrize("key", ["", "/", ()])
def test_an_empty_path_is_no_key(client: Any, key: Any) -> None:
    with pytest.raises(KeyError):
        client[key]


def test_the_root_has_an_empty_path_and_no_parent(client: Any) -> None:
    assert client.path_parts == []
    assert client.parent is None


def test_the_parent_is_one_level_up(client: Any) -> None:
    assert client["outer/inner/x"].parent.path_parts == ["outer", "inner"]
    assert client["outer"].parent.path_parts == []


def test_it_shows_as_many_keys_as_fit(client: Any, history: Any) -> None:
    assert repr(client) == "<Container {'k00', 'k01', 'k02', 'k03', 'k04', 'k05', 'k06', ...} ~13 entries>"
    assert len(history.requests) == 1


def test_few_keys_are_all_shown(client: Any) -> None:
    assert repr(client["outer/inner"]) == "<Container {'x', 'y z'}>"


def test_an_empty_container_says_so(client_of: Any) -> None:
    empty = client_of(MemoryContainer({}))
    assert repr(empty) == "<Container {}>"
    assert len(empty) == 0


def test_the_first_key_is_shown_however_long(client_of: Any) -> None:
    assert repr(client_of({"x" * 90: np.ones(1), "y": np.ones(1)})) == f"<Container {{'{'x' * 90}', ...}} ~2 entries>"


def test_metadata_are_a_view_that_cannot_be_changed(client: Any) -> None:
    assert repr(client.metadata) == "DictView({'a': {'b': 1}})"
    assert client.metadata == {"a": {"b": 1}}
    with pytest.raises(TypeError, match="view"):
        client.metadata["a"] = 1
    with pytest.raises(TypeError, match="view"):
        del client.metadata["a"]


def test_a_copy_of_the_metadata_can_be_changed(client: Any) -> None:
    copied = client.metadata_copy()[0]
    copied["a"]["b"] = 2
    assert client.metadata["a"]["b"] == 1


def test_specs_are_a_list_that_cannot_be_changed(client_of: Any) -> None:
    specs = client_of({"a": MemoryArray(np.ones(1), specs=["first", "second"])})["a"].specs
    assert repr(specs) == "ListView([Spec('first'), Spec('second')])"
    with pytest.raises(TypeError, match="view"):
        specs[0] = "other"


def test_trees_in_memory_have_no_access_tags_and_no_data_sources(client: Any) -> None:
    assert client.data_sources() is None
    with pytest.raises(AttributeError, match="no access tags"):
        _ = client.access_tags


def test_a_node_says_its_family_and_formats(client: Any) -> None:
    assert client.structure_family == "container"
    assert client.structure() is None
    assert client.formats == sorted(client.context.server_info.formats["container"])
    assert "application/octet-stream" in client["k00"].formats


# Views


def test_views_have_short_reprs(client: Any) -> None:
    assert [repr(client.keys()), repr(client.values()), repr(client.items())] == [
        "<KeysView>",
        "<ValuesView>",
        "<ItemsView>",
    ]


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda keys: keys.first(), "k00"),
        (lambda keys: keys.last(), "outer"),
        (lambda keys: keys[2], "k02"),
        (lambda keys: keys[-2], "k11"),
        (lambda keys: keys.head(), KEYS[:5]),
        (lambda keys: keys.head(3), KEYS[:3]),
        (lambda keys: keys.head(0), []),
        (lambda keys: keys.head(99), KEYS),
        (lambda keys: keys.tail(2), KEYS[-2:]),
        (lambda keys: keys.tail(0), []),
        (lambda keys: keys[1:3], KEYS[1:3]),
        (lambda keys: keys[:0], []),
        (lambda keys: keys[4:4], []),
        (lambda keys: keys[11:], KEYS[11:]),
        (lambda keys: keys[20:30], []),
        (lambda keys: keys[-1:-4:-1], KEYS[-1:-4:-1]),
        (lambda keys: keys[-3:-5:-1], KEYS[-3:-5:-1]),
        (lambda keys: keys[::-1], KEYS[::-1]),
        (list, KEYS),
        (lambda keys: list(reversed(keys)), KEYS[::-1]),
        (lambda keys: list(keys.page_size(2)), KEYS),
        (lambda keys: keys.page_size(4)[3:8], KEYS[3:8]),
        (len, 13),
    ],
)
def test_a_view_is_sliced(client: Any, ask: Any, expected: Any) -> None:
    assert ask(client.keys()) == expected


@pytest.mark.parametrize(
    "index", [slice(-3, None), slice(5, 2), slice(None, None, 2), slice(None, -1), slice(3, 1, -1), slice(-4, -1, -1)]
)
def test_other_slices_are_refused_with_the_rule(client: Any, index: slice) -> None:
    with pytest.raises(ValueError, match="Slices of a view are simpler"):
        client.keys()[index]


@pytest.mark.parametrize("index", [13, -14, 1000])
def test_a_position_out_of_range_is_an_index_error(client: Any, index: int) -> None:
    with pytest.raises(IndexError, match="out of range"):
        client.keys()[index]


@pytest.mark.parametrize("index", ["a", 1.0, True])
def test_a_view_takes_positions_only(client: Any, index: Any) -> None:
    with pytest.raises(TypeError, match="expected an integer or a slice"):
        client.keys()[index]


def test_an_empty_view_has_no_first_element(client_of: Any) -> None:
    with pytest.raises(IndexError):
        client_of(MemoryContainer({})).keys().first()


@pytest.mark.parametrize(
    ("ask", "requests"),
    [
        (lambda keys: keys.first(), 1),
        (lambda keys: keys.head(5), 1),
        (lambda keys: keys.tail(5), 1),
        (lambda keys: keys[6:9], 1),
        (lambda keys: keys.head(0), 0),
        (lambda keys: keys.page_size(4).head(8), 2),
        (list, 1),
        (lambda keys: list(keys.page_size(4)), 5),  # and one for the length, which list() wants to know
    ],
)
def test_only_the_pages_that_are_needed_are_fetched(client: Any, history: Any, ask: Any, requests: int) -> None:
    ask(client.keys())
    assert len(history.requests) == requests


def test_no_more_elements_are_asked_for_than_wanted(client: Any, history: Any) -> None:
    client.keys()[2:4]
    assert dict(history.requests[0].url.params) == {
        "fields": "", "sort": "_", "page[offset]": "2", "page[limit]": "2",
    }  # fmt: skip


def test_values_and_items_are_clients(client: Any) -> None:
    assert [value.shape for value in client.values()[1:3]] == [(2,), (3,)]
    assert [(key, value.shape) for key, value in client.items().head(2)] == [("k00", (1,)), ("k01", (2,))]


# Searching


def test_a_search_leaves_what_matches(client: Any) -> None:
    found = client.search(Key("color") == "red")
    assert list(found) == ["k00", "k03", "k06", "k09"]
    assert len(found) == 4
    assert repr(found) == "<Container {'k00', 'k03', 'k06', 'k09'}>"


def test_searches_narrow(client: Any) -> None:
    assert list(client.search(Key("color") == "red").search(Key("number") > 4)) == ["k06", "k09"]


def test_a_result_is_looked_up_among_the_results(client: Any) -> None:
    found = client.search(Key("color") == "red")
    assert found["k03"].shape == (4,)
    with pytest.raises(KeyError, match="k04"):
        found["k04"]


def test_what_lies_below_a_result_can_be_reached(client: Any) -> None:
    outer = client["outer"].search(FullText("red"))
    assert outer["inner/x"].shape == (3,)
    with pytest.raises(KeyError):
        client["outer"].search(Eq("color", "blue"))["inner/x"]


def test_a_search_takes_queries_only(client: Any) -> None:
    with pytest.raises(TypeError, match="is no query"):
        client.search("red")


def test_sorting_orders_by_metadata(client: Any) -> None:
    found = client.search(Key("number") < 5).sort(("color", ASCENDING), ("number", DESCENDING))
    assert list(found) == ["k02", "k04", "k01", "k03", "k00"]
    assert found.keys().last() == "k00"
    assert found.keys().tail(2) == ["k03", "k00"]


def test_sorting_needs_pairs_of_key_and_direction(client: Any) -> None:
    with pytest.raises(TypeError, match="expected \\(key, direction\\)"):
        client.sort("color")
    with pytest.raises(ValueError, match="ASCENDING"):
        client.sort(("color", 2))


def test_distinct_values_obey_the_search(client: Any) -> None:
    found = client.search(Key("number") < 4).distinct("color", counts=True)
    counts = {entry["value"]: entry["count"] for entry in found["metadata"]["color"]}
    assert counts == {"red": 2, "green": 1, "blue": 1}
    assert found["structure_families"] is None


def test_distinct_families_are_told_when_asked(client: Any) -> None:
    families = client.distinct(structure_families=True)["structure_families"]
    assert {entry["value"] for entry in families} == {"array", "container"}


def test_searching_deep_is_refused_by_a_server_that_cannot(scripted: Any) -> None:
    context, _ = scripted(message({"data": resource("a")}))
    with pytest.raises(NotImplementedError, match="cannot search below"):
        from_context(context, node_path_parts=["a"]).search_deep(Eq("a", 1))


def test_searching_deep_needs_a_query(client: Any) -> None:
    with pytest.raises(TypeError, match="needs a query"):
        client.search_deep()


def test_searching_deep_finds_nodes_below(scripted: Any) -> None:
    start = resource("a")
    start["links"]["search_deep"] = "http://local-tiled-app/api/v1/search-deep/a"
    found = [resource("c", ancestors=["a", "b"]), resource("d", ancestors=["a"])]
    listing = message({"data": found, "links": {"next": None}, "meta": {"count": 2}})
    context, app = scripted(message({"data": start}), listing)
    results = from_context(context, node_path_parts=["a"]).search_deep(Eq("x", 1), max_depth=3)
    assert list(results) == [("b", "c"), ("d",)]
    assert repr(results) == "<DeepSearchResults (2 results)>"
    assert [value.path_parts for value in results.values()] == [["a", "b", "c"], ["a", "d"]]
    assert all("max_depth=3" in path for path, _ in app.requests[1:])
    with pytest.raises(ValueError, match="from their beginning"):
        results.keys().last()


def test_a_deep_result_is_looked_up_where_it_lies(scripted: Any) -> None:
    start = resource("a")
    start["links"]["search_deep"] = "http://local-tiled-app/api/v1/search-deep/a"
    page = message({"data": [resource("c", ancestors=["a", "b"])], "links": {"next": None}, "meta": {"count": 1}})
    nothing = message({"data": [], "links": {"next": None}, "meta": {"count": 0}})
    context, app = scripted(message({"data": start}), page, nothing, message({"detail": "no"}, 404))
    results = from_context(context, node_path_parts=["a"]).search_deep(Eq("x", 1), max_depth=2)
    assert results["b/c"].path_parts == ["a", "b", "c"]
    assert app.requests[-1][0].startswith("/api/v1/search/a/b?filter%5Beq%5D")
    for key in ("b/d", ("nope", "d"), "far/too/deep", ""):
        with pytest.raises(KeyError):
            results[key]
    assert len(app.requests) == 4


# Inline contents


@pytest.fixture
def inline(client_of: Any) -> Any:
    inner = MemoryContainer({"a": np.arange(2), "b": np.arange(3)}, inline=True)
    return client_of(MemoryContainer({"inner": inner, "z": np.ones(1)}, inline=True))


def test_children_that_came_along_are_not_asked_for(inline: Any, history: Any) -> None:
    assert inline["inner"]["b"].shape == (3,)
    assert inline["inner/a"].shape == (2,)
    assert list(inline) == ["inner", "z"]
    assert inline.keys().last() == "z"
    assert len(inline["inner"]) == 2
    assert repr(inline) == "<Container {'inner', 'z'}>"
    assert [value.shape for value in inline["inner"].values()] == [(2,), (3,)]
    assert history.requests == []


def test_a_missing_child_is_known_without_asking(inline: Any, history: Any) -> None:
    with pytest.raises(KeyError, match="nope"):
        inline["nope"]
    assert history.requests == []


def test_a_search_among_inline_children_asks_the_server(inline: Any, history: Any) -> None:
    assert inline.search(Eq("x", 1)).keys().head() == []
    assert len(history.requests) == 1


def test_a_broken_link_is_a_key_error(scripted: Any) -> None:
    broken = resource("a", structure={"contents": {"gone": None}, "count": 1}, sorting=[{"key": "_", "direction": 1}])
    context, _ = scripted(message({"data": broken}))
    client = from_context(context, node_path_parts=["a"])
    assert list(client) == ["gone"]
    with pytest.raises(KeyError, match="broken link"):
        client["gone"]


def test_a_node_that_is_gone_is_a_key_error(scripted: Any) -> None:
    context, _ = scripted(message({"data": resource("a")}), message({"detail": "dangling"}, 410))
    with pytest.raises(KeyError, match=r"broken link.*dangling"):
        from_context(context, node_path_parts=["a"])["b"]


# Kinds of data that nobody shows


def test_an_unknown_kind_of_data_says_what_to_install(scripted: Any) -> None:
    context, _ = scripted(message({"data": resource("a")}), message({"data": resource("s", "fancy")}))
    with pytest.raises(UnknownStructureFamily, match="pip install tiled-fancy"):
        from_context(context, node_path_parts=["a"])["s"]


def test_the_other_children_go_on_working(scripted: Any) -> None:
    children = [resource("s", "fancy", metadata={"m": 1}), resource("c")]
    page = message({"data": children, "links": {"next": None}, "meta": {"count": 2}})
    context, _ = scripted(message({"data": resource("a")}), page)
    unknown, container = from_context(context, node_path_parts=["a"]).values().head()
    assert repr(unknown) == "<UnavailableClient 'fancy'>"
    assert unknown.new_variation().item == unknown.item
    assert unknown.metadata == {"m": 1}
    assert container.path_parts == ["c"]
    with pytest.raises(UnknownStructureFamily, match="tiled-fancy"):
        unknown.read()
    with pytest.raises(UnknownStructureFamily, match="tiled-fancy"):
        unknown[0]


def test_a_mapping_of_classes_decides_who_shows_what(client: Any) -> None:
    class Mine(client["k00"].__class__):  # type: ignore[misc]
        pass

    other = client.new_variation(structure_clients={"array": Mine, "container": client.__class__})
    assert other["k00"].__class__ is Mine
    assert repr(other["outer/inner/x"]) == "<Mine shape=(3,) chunks=((3,)) dtype=float64>"


def test_the_first_spec_with_a_class_wins(client_of: Any) -> None:
    client = client_of({"a": MemoryArray(np.ones(2), specs=["odd", "special"])})
    special = {"special": "tiledkernel.families.bytes.client:BytesClient", "array": client["a"].__class__}
    assert client.new_variation(structure_clients=special)["a"].__class__.__name__ == "BytesClient"


def test_an_unknown_choice_of_clients_is_refused_clearly(client: Any) -> None:
    with pytest.raises(ValueError, match="expected 'numpy', 'dask', or a mapping"):
        client.new_variation(structure_clients="pandas")["k00"]


def test_refreshing_shows_what_has_changed(client_of: Any) -> None:
    live: dict[str, Any] = {"a": np.ones(1)}
    client = client_of(MemoryContainer(live))
    assert len(client) == 1
    live["b"] = np.ones(1)
    assert len(client.refresh()) == 2
