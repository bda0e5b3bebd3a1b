"""Slices, blocks and queries, in the classes that an adapter may know them by."""

from __future__ import annotations

import dataclasses
import json
import sys
from types import SimpleNamespace

import pytest
from tiled_bridge.words import spoken_block, spoken_queries, spoken_slice

from tiledkernel.queries import Comparison, Eq, Like


class NDSlice(tuple):
    __slots__ = ()

    def __new__(cls, *parts):
        return super().__new__(cls, parts)


class NDBlock(NDSlice):
    __slots__ = ()


def _from_json(cls, *, key, value):
    return cls(key, json.loads(value))


Theirs = dataclasses.make_dataclass("Eq", ["key", "value"], namespace={"decode": classmethod(_from_json)})


@pytest.fixture
def reference(monkeypatch):
    """Modules like those of Tiled, as they are there once an adapter has imported them."""
    monkeypatch.setitem(sys.modules, "tiled.ndslice", SimpleNamespace(NDSlice=NDSlice, NDBlock=NDBlock))
    monkeypatch.setitem(sys.modules, "tiled.queries", SimpleNamespace(Eq=Theirs))


def test_slices_and_blocks_are_tuples(site):
    assert type(spoken_slice((1, slice(None)))) is type(spoken_block((0, 1))) is tuple


def test_adapters_that_know_classes_of_their_own_get_these(reference):
    assert type(spoken_slice((1, slice(0, 2)))) is NDSlice
    assert type(spoken_block((0, 1))) is NDBlock
    assert spoken_slice(()) == ()


def test_queries_are_ours():
    query = Eq("color", "red")
    assert list(spoken_queries(query)) == [query]


def test_queries_are_translated_where_they_are_known(reference):
    theirs, ours = spoken_queries(Eq("color", ["red", 1]))
    assert (type(theirs), theirs.key, theirs.value) == (Theirs, "color", ["red", 1])
    assert ours == Eq("color", ["red", 1])


@pytest.mark.parametrize("query", [Like("color", "r%"), Comparison("lt", "n", 3)])
def test_queries_that_are_not_known_there_are_ours(reference, query):
    assert list(spoken_queries(query)) == [query]
