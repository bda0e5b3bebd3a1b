"""The benchmark of writing measures real uploads, and its table says whether the goals are reached."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture
def writing() -> Any:
    return importlib.import_module("writing")


def test_our_server_is_measured_with_real_uploads(writing, tmp_path):
    local, results = writing.measure(tmp_path, None, 2)
    assert local > 0
    for costs in results.values():
        assert list(costs) == ["ours"]
        assert costs["ours"].wall > 0
    chunks = list((tmp_path / "ours").rglob("c.*"))
    assert len(chunks) == 3 + 3  # small arrays, and blocks of a large one; the first of each to warm up


@pytest.mark.parametrize(("cpu", "wall", "said"), [(10.0, 3.0, "reached"), (11.0, 4.0, "missed")])
def test_the_table_says_whether_the_goals_are_reached(writing, cpu, wall, said):
    make, upload = writing.CASES
    costs = {"ours": writing.Cost(wall, cpu), "reference": writing.Cost(100.0, 100.0)}
    text = writing.table(2.0, {make: costs, upload: costs})
    assert f"10 times: {said}" in text
    assert f"goal: 60%, {said}" in text
