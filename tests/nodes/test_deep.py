"""Walks that stop anywhere and go on."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiledkernel.nodes.deep import Budget, Trail, Walk

Place = tuple[tuple[str, ...], Any]
TREES = st.recursive(
    st.none(), lambda inner: st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4), max_leaves=20
)
TREE = {"a": {"b": {"c": None}, "d": None}, "e": {}, "f": None}


def walk(**options: Any) -> Walk[Place]:
    def child(parent: Place, key: str) -> Place | None:
        path, tree = parent
        return ((*path, key), tree[key]) if key in tree else None

    return Walk(lambda place: list(place[1] or ()), child, **options)


def outline(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The reference: all paths, each followed by those below it."""
    return [found for key, inner in (tree or {}).items() for found in [(*path, key), *outline(inner, (*path, key))]]


def paths(tree: Any, trail: Trail = (), **options: Any) -> list[str]:
    return ["/".join(path) for _, (path, _) in walk(**options).below(((), tree), trail)]


def trail_to(tree: Any, path: str) -> Trail:
    return next(trail for trail, (found, _) in walk().below(((), tree)) if "/".join(found) == path)


def test_a_node_comes_before_what_is_below_it() -> None:
    assert paths(TREE) == ["a", "a/b", "a/b/c", "a/d", "e", "f"]


@pytest.mark.parametrize(("depth", "found"), [(1, ["a", "e", "f"]), (2, ["a", "a/b", "a/d", "e", "f"])])
def test_a_walk_goes_only_so_deep(depth, found) -> None:
    assert paths(TREE, max_depth=depth) == found


@given(TREES)
def test_a_walk_meets_every_node_once_and_can_go_on_from_each(tree: Any) -> None:
    met = list(walk().below(((), tree)))
    assert [path for _, (path, _) in met] == outline(tree)
    for number, (trail, _) in enumerate(met):
        assert list(walk().below(((), tree), trail)) == met[number + 1 :]


def test_what_is_removed_before_the_place_shifts_nothing() -> None:
    trail = trail_to(TREE, "a/d")
    assert paths({"a": {"d": None}, "e": {}, "f": None}, trail) == ["e", "f"]


def test_what_is_added_before_the_place_is_not_met_and_behind_it_is() -> None:
    changed = {"0": None, "a": {"0": None, "b": {"c": None}, "d": None, "x": None}, "e": {}, "f": None, "g": None}
    assert paths(changed, trail_to(TREE, "a/d")) == ["a/x", "e", "f", "g"]


def test_a_walk_goes_on_behind_a_container_that_is_gone() -> None:
    assert paths({"e": {}, "f": None}, trail_to(TREE, "a/b/c")) == ["e", "f"]


def test_a_walk_goes_on_where_a_container_has_become_a_leaf() -> None:
    assert paths({"a": None, "e": {}, "f": None}, trail_to(TREE, "a/b")) == ["e", "f"]


def test_a_child_that_vanishes_is_passed_over() -> None:
    gone = Walk[str](lambda name: ["x", "y"] if name == "" else [], lambda _, key: None if key == "x" else key)
    assert [name for _, name in gone.below("")] == ["y"]


def test_trails_of_one_level_are_in_order() -> None:
    trails = [trail for trail, (path, _) in walk().below(((), TREE)) if len(path) == 1]
    assert all(one < other for one, other in pairwise(trails))


def test_a_budget_pays_for_so_many_nodes() -> None:
    budget = Budget(3, 60.0)
    assert [budget.spend() for _ in range(5)] == [True, True, True, False, False]


def test_a_budget_ends_with_its_time() -> None:
    budget = Budget(1_000_000, 0.01)
    assert budget.spend()
    time.sleep(0.02)
    assert not budget.spend()


def test_a_budget_can_only_shrink() -> None:
    budget = Budget(5, 60.0)
    budget.shrink(1)
    budget.shrink(4)
    assert [budget.spend(), budget.spend()] == [True, False]
