"""From one JSON value to another: the operations lead there, and are few."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiledkernel.client.json_patches import diff, diff_items, same
from tiledkernel.nodes.patches import apply
from tiledkernel.wire import encode_json

LEAVES = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, width=16) | st.text("a/~é", max_size=2)
)
KEYS = st.text("ab/~", max_size=2)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=4))


@given(JSON, JSON)
def test_the_operations_lead_from_one_value_to_the_other(before: Any, after: Any) -> None:
    assert same(apply(before, diff(before, after)), after)


@given(JSON)
def test_nothing_is_to_be_done_where_nothing_differs(value: Any) -> None:
    assert diff(value, value) == []


@given(st.lists(JSON, max_size=6), st.lists(JSON, max_size=6))
def test_elements_that_belong_together_are_replaced_as_a_whole(before: Any, after: Any) -> None:
    operations = diff_items(before, after)
    assert same(apply(before, operations), after)
    assert all(operation["path"].count("/") == 1 for operation in operations)


@pytest.mark.parametrize(
    ("before", "after", "operations"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [{"op": "replace", "path": "/b", "value": 3}]),
        ({"a": 1, "b": 2}, {"b": 2}, [{"op": "remove", "path": "/a"}]),
        ({}, {"a/b~c": None}, [{"op": "add", "path": "/a~1b~0c", "value": None}]),
        ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": 1}}}, [{"op": "remove", "path": "/a/b/d"}]),
        ({"a": [1, 2, 3, 4]}, {"a": [1, 3, 4]}, [{"op": "remove", "path": "/a/1"}]),
        ({"a": ["x", "y"]}, {"a": ["x", "new", "y"]}, [{"op": "add", "path": "/a/1", "value": "new"}]),
        ({"a": [{"b": 1}, {"c": 2}]}, {"a": [{"b": 5}, {"c": 2}]}, [{"op": "replace", "path": "/a/0/b", "value": 5}]),
        ({"a": 1}, {"a": True}, [{"op": "replace", "path": "/a", "value": True}]),
        ({"a": 1}, {"a": 1.0}, [{"op": "replace", "path": "/a", "value": 1.0}]),
    ],
)
def test_only_what_differs_is_named(before: Any, after: Any, operations: Any) -> None:
    assert diff(before, after) == operations


def test_a_list_that_is_all_different_is_replaced_in_one_go() -> None:
    before, after = list(range(1000)), list(range(1000, 0, -1))
    (operation,) = diff({"a": before}, {"a": after})
    assert (operation["op"], operation["path"]) == ("replace", "/a")


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.data())
def test_a_change_of_one_element_is_never_longer_than_the_list(before: list[int], data: Any) -> None:
    place = data.draw(st.integers(0, len(before) - 1))
    after = [*before[:place], 10, *before[place + 1 :]]
    whole = [{"op": "replace", "path": "/a", "value": after}]
    assert len(encode_json(diff({"a": before}, {"a": after}))) <= len(encode_json(whole))
