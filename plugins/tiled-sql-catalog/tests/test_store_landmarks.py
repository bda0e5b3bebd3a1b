"""Pages far down a listing are right, whatever came and went since pages before them were asked for."""

from __future__ import annotations

import random

import pytest
from tiled_sql_catalog import landmarks

from tiledkernel.nodes.writing import Draft


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """What is otherwise worth its while for long listings only."""
    monkeypatch.setattr(landmarks, "WORTHWHILE", 3)
    monkeypatch.setattr(landmarks, "_PLACES", 10)


def keys_from(store, offset, limit=5):
    return [node.key for node in store.page(store.search(store.root()), offset=offset, limit=limit).nodes]


def test_pages_at_offsets_are_those_of_the_whole_listing(store):
    wanted = [f"k{number}" for number in range(60)]
    store.create_many(store.root(), [Draft(key=key) for key in wanted])
    for offset in random.Random(0).choices(range(70), k=150):
        assert keys_from(store, offset) == wanted[offset : offset + 5]


def test_what_was_remembered_is_not_used_for_other_children(store):
    chance = random.Random(1)
    wanted = [f"k{number}" for number in range(30)]
    store.create_many(store.root(), [Draft(key=key) for key in wanted])
    for number in range(120):
        for offset in chance.choices(range(40), k=3):
            assert keys_from(store, offset) == wanted[offset : offset + 5]
        if chance.random() < 0.5 and wanted:
            store.delete(store.child(store.root(), wanted.pop(chance.randrange(len(wanted)))))
        if chance.random() < 0.5:
            store.create(store.root(), f"new{number}")
            wanted.append(f"new{number}")


def test_a_child_that_came_and_went_changes_nothing(store):
    wanted = [f"k{number}" for number in range(30)]
    store.create_many(store.root(), [Draft(key=key) for key in wanted])
    assert keys_from(store, 20) == wanted[20:25]
    store.delete(store.create(store.root(), "passing"))
    assert keys_from(store, 22) == wanted[22:27]


def test_containers_do_not_know_of_each_other(store):
    for name in ("a", "b"):
        top = store.create(store.root(), name)
        store.create_many(top, [Draft(key=f"{name}{number}") for number in range(30)])
    tops = {name: store.child(store.root(), name) for name in ("a", "b")}
    for name, offset in [("a", 10), ("b", 11), ("a", 12), ("b", 25), ("a", 26)]:
        found = store.page(store.search(tops[name]), offset=offset, limit=2).nodes
        assert [node.key for node in found] == [f"{name}{offset}", f"{name}{offset + 1}"]
