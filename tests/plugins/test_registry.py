"""A look-up by name that explains a miss and a clash."""

from __future__ import annotations

import pytest

from tiledkernel.errors import AmbiguousName, UnknownName
from tiledkernel.registry import Registry


@pytest.fixture
def colours() -> Registry[int]:
    registry: Registry[int] = Registry("colour")
    registry.add("red", 1, "paint")
    registry.add("blue", 2, "ink")
    return registry


def test_things_are_found_by_name(colours):
    assert (colours["red"], colours.get("blue"), colours.plugin_of("blue")) == (1, 2, "ink")


def test_a_miss_is_none_for_those_who_ask_so(colours):
    assert colours.get("green") is None
    assert "green" not in colours


def test_a_miss_names_what_is_near_and_what_is_there(colours):
    with pytest.raises(UnknownName, match=r"no colour named 'rde' \(did you mean 'red'\?\); installed: blue, red"):
        colours["rde"]


def test_a_miss_in_an_empty_registry_says_that_there_is_nothing():
    with pytest.raises(UnknownName, match="installed: none"):
        Registry("colour")["red"]


def test_the_order_of_registration_is_kept(colours):
    assert list(colours) == ["red", "blue"]
    assert colours.values() == [1, 2]
    assert colours.items() == [("red", 1), ("blue", 2)]
    assert len(colours) == 2


def test_a_clash_leaves_the_first_in_place(colours):
    with pytest.raises(AmbiguousName):
        colours.add("red", 3, "ink")
    assert colours["red"] == 1
