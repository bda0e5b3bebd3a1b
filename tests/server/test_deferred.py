"""Children that are made when somebody touches them."""

from __future__ import annotations

import sys
import threading
import time
from types import ModuleType
from typing import Any

import pytest

from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.deferred import Deferred


@pytest.fixture
def made(monkeypatch) -> Any:
    """A module with functions to defer, and the names of those that were called."""
    module: Any = ModuleType("made_for_this_test")
    module.calls = []

    def numbers() -> list[int]:
        module.calls.append(threading.current_thread().name)
        time.sleep(0.05)
        return [1, 2, 3]

    def broken() -> None:
        module.calls.append("broken")
        raise OSError("the disk is gone")

    module.numbers, module.broken = numbers, broken
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def deferred(made) -> Deferred:
    return Deferred("made_for_this_test:numbers")


def test_listing_keys_makes_nothing(connect, deferred, made):
    caller = connect({"a": deferred, "b": 1})
    assert caller.json("search/?fields=")["meta"]["count"] == 2
    assert caller.json("metadata/b")
    assert made.calls == []
    assert not deferred.is_made


def test_whoever_looks_at_it_sees_what_it_stands_for(connect, deferred, made):
    caller = connect({"a": deferred})
    assert caller.json("metadata/a")["data"]["attributes"]["structure"]["shape"] == [3]
    assert caller.json("array/full/a?format=json") == [1, 2, 3]
    assert len(made.calls) == 1


def test_it_is_made_beside_the_event_loop(connect, deferred, made):
    caller = connect({"a": deferred})
    caller.json("search/")
    assert made.calls[0].startswith("tiledkernel-")


def test_of_several_threads_one_makes_it(deferred, made):
    found = []
    threads = [threading.Thread(target=lambda: found.append(deferred.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one is found[0] for one in found)
    assert len(made.calls) == 1


def test_one_that_cannot_be_made_is_unavailable_and_is_tried_again(connect, made):
    caller = connect({"a": Deferred("made_for_this_test:broken"), "b": 1})
    listed = {item["id"]: item["attributes"] for item in caller.json("search/")["data"]}
    assert "the disk is gone" in listed["a"]["metadata"]["unavailable"]["reason"]
    assert listed["b"]["structure_family"] == "array"
    assert caller.get("array/full/a").status_code == 410
    assert made.calls == ["broken", "broken"]


def test_it_may_be_the_whole_tree(connect, deferred):
    assert connect(deferred).json("array/full/?format=json") == [1, 2, 3]


def test_a_container_knows_whether_a_child_has_yet_to_be_made(deferred):
    container = MemoryContainer({"a": deferred, "b": 1})
    assert container.waiting
    deferred.get()
    assert not container.waiting
