"""Which values there are, and how often."""

from __future__ import annotations

from typing import Any

import numpy as np

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.distinct import distinct
from tiledkernel.specs import Spec


def children(*values: Any) -> list[tuple[str, MemoryContainer]]:
    return [(str(place), MemoryContainer({}, metadata=value)) for place, value in enumerate(values)]


def test_what_is_not_asked_for_is_none() -> None:
    assert distinct(children({"a": 1})) == {"metadata": None, "structure_families": None, "specs": None}


def test_values_come_in_the_order_of_their_first_appearance() -> None:
    found = distinct(children({"c": "red"}, {"c": "blue"}, {}, {"c": "red"}), ["c"], counts=True)
    assert found["metadata"] == {"c": [{"value": "red", "count": 2}, {"value": "blue", "count": 1}]}


def test_without_counts_each_count_is_none() -> None:
    assert distinct(children({"a": {"b": 1}}), ["a.b"])["metadata"] == {"a.b": [{"value": 1, "count": None}]}


def test_values_are_told_apart_as_equality_does() -> None:
    values = [1, 1.0, True, "1", None, [1], [1.0], {"a": 1, "b": 2}, {"b": 2, "a": 1}, np.int8(1)]
    found = distinct(children(*({"x": value} for value in values)), ["x"], counts=True)
    assert found["metadata"]["x"] == [
        {"value": 1, "count": 3},
        {"value": True, "count": 1},
        {"value": "1", "count": 1},
        {"value": None, "count": 1},
        {"value": [1], "count": 2},
        {"value": {"a": 1, "b": 2}, "count": 2},
    ]


def test_lists_of_specs_count_as_a_whole_the_empty_one_too() -> None:
    listing = [
        ("a", MemoryContainer({}, specs=["one", Spec("two", "1")])),
        ("b", MemoryContainer({}, specs=[Spec("two", "1"), "one"])),
        ("c", MemoryContainer({})),
        ("d", MemoryContainer({}, specs=["one", Spec("two", "1")])),
    ]
    one, two = {"name": "one", "version": None}, {"name": "two", "version": "1"}
    assert distinct(listing, specs=True, counts=True)["specs"] == [
        {"value": [one, two], "count": 2},
        {"value": [two, one], "count": 1},
        {"value": [], "count": 1},
    ]


def test_families_are_counted() -> None:
    listing: Any = [*children({}, {}), ("array", MemoryArray([1]))]
    assert distinct(listing, structure_families=True, counts=True)["structure_families"] == [
        {"value": "container", "count": 2},
        {"value": "array", "count": 1},
    ]


def test_a_key_that_nobody_has_has_no_values() -> None:
    assert distinct(children({}), ["x"], counts=True)["metadata"] == {"x": []}
