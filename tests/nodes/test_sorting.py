"""The order of a listing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.sorting import SortKey, parse_sort, sort_children

LOST = object()


def children(*values: Any) -> list[tuple[str, MemoryContainer]]:
    """One child per value of `x`, with keys that count upwards; LOST has no `x`."""
    return [
        (f"k{place:03}", MemoryContainer({}, metadata={} if value is LOST else {"x": value, "half": place // 2}))
        for place, value in enumerate(values)
    ]


def order(listing: Any, *sort: str) -> list[Any]:
    return [node.metadata.get("x", LOST) for _, node in sort_children(listing, parse_sort(sort))]


PARSED = [
    ([], []),
    ([""], []),
    (["", "x"], [SortKey("metadata", "x")]),
    (["+x", "-y"], [SortKey("metadata", "x"), SortKey("metadata", "y", descending=True)]),
    (["metadata.a.b"], [SortKey("metadata", "a.b")]),
    (["id"], [SortKey("key")]),
    (["-id"], [SortKey("key", descending=True)]),
    (["metadata.id"], [SortKey("metadata", "id")]),
    (["-"], [SortKey("place", descending=True)]),
    (["+"], [SortKey("place")]),
    (["_"], [SortKey("place")]),
    (["-_"], [SortKey("place", descending=True)]),
    (["x", "-"], [SortKey("metadata", "x"), SortKey("place", descending=True)]),
    (["-_", "x"], [SortKey("place", descending=True)]),
]


@pytest.mark.parametrize(("texts", "keys"), PARSED)
def test_sort_parameters_are_understood(texts, keys) -> None:
    assert parse_sort(texts) == keys


@pytest.mark.parametrize("text", ["-+id", "--x", "x y", "x-", "é", "x;", "a\n", "\n"])
def test_a_malformed_key_is_unprocessable(text) -> None:
    with pytest.raises(Unprocessable) as caught:
        parse_sort([text])
    assert caught.value.where == ("query", "sort")


@pytest.mark.parametrize("texts", [["x", "-x"], ["x", "metadata.x"], ["id", "id"], ["-", "x"], ["-", "+"], ["a"] * 40])
def test_contradictory_keys_are_bad_requests(texts) -> None:
    with pytest.raises(BadRequest):
        parse_sort(texts)


def test_numbers_sort_by_size_and_not_as_text() -> None:
    assert order(children(10, 9, 1.5, np.float32(2)), "x") == [1.5, 2, 9, 10]


def test_types_have_one_order() -> None:
    mixed = children(*[{"a": 1}, [1], "b", "B", 2, True, False])
    assert order(mixed, "x") == [False, True, 2, "B", "b", [1], {"a": 1}]
    assert order(mixed, "-x") == [{"a": 1}, [1], "b", "B", 2, True, False]


@pytest.mark.parametrize(("sort", "expected"), [("x", [1, 3]), ("-x", [3, 1])])
def test_children_without_the_key_come_last_in_both_directions(sort, expected) -> None:
    assert order(children(None, 3, LOST, 1), sort) == [*expected, None, LOST]


def test_a_key_that_nobody_has_changes_nothing() -> None:
    assert order(children(3, 1, 2), "unknown") == [3, 1, 2]


def test_keys_and_places_sort_without_looking_at_metadata() -> None:
    class Shy:
        @property
        def metadata(self) -> Any:
            raise AssertionError("metadata was read")

    listing: Any = [("b", Shy()), ("a", Shy()), ("c", Shy())]
    assert [key for key, _ in sort_children(listing, parse_sort(["id"]))] == ["a", "b", "c"]
    assert [key for key, _ in sort_children(listing, parse_sort(["-id"]))] == ["c", "b", "a"]
    assert [key for key, _ in sort_children(listing, parse_sort(["-"]))] == ["c", "a", "b"]
    assert [key for key, _ in sort_children(listing, parse_sort(["_"]))] == ["b", "a", "c"]


def test_equal_values_stay_in_the_order_of_insertion_in_both_directions() -> None:
    listing = children(1, 2, 3, 4)
    assert order(listing, "half") == [1, 2, 3, 4]
    assert order(listing, "-half") == [3, 4, 1, 2]
    assert order(listing, "half", "-") == [2, 1, 4, 3]


def test_later_keys_decide_between_equal_values_of_earlier_ones() -> None:
    assert order(children(1, 2, 3, 4), "-half", "-x") == [4, 3, 2, 1]


VALUES = st.lists(st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2))


@given(VALUES, st.sampled_from([["x"], ["-x"], ["x", "-"], ["half", "-x"], ["-"]]))
def test_sorting_loses_nobody_and_sorting_again_changes_nothing(values: list[Any], sort: list[str]) -> None:
    listing = children(*values)
    keys = parse_sort(sort)
    once = sort_children(listing, keys)
    assert sorted(key for key, _ in once) == [key for key, _ in listing]
    if not any(key.by_place for key in keys):
        assert sort_children(once, keys) == once
