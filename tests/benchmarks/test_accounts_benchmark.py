"""The benchmark of accounts asks real servers, and its table says whether the goal is reached."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture
def accounts() -> Any:
    return importlib.import_module("accounts")


def test_everyone_is_measured_on_both_databases(accounts, tmp_path):
    found = accounts.measure_all(tmp_path, accounts.QUICK)
    assert list(found) == ["SQLite", "PostgreSQL"]
    for costs in found.values():
        assert list(costs.rounds) == [accounts.PUBLIC, accounts.KEY, accounts.TOKEN]
        assert min(costs.of(who) for who in costs.rounds) > 0


@pytest.mark.parametrize(("key", "said"), [(0.55, "reached"), (0.65, "missed")])
def test_the_table_says_whether_the_goal_is_reached(accounts, key, said):
    costs = accounts.Costs({accounts.PUBLIC: [0.5], accounts.KEY: [key], accounts.TOKEN: [0.5]})
    assert f"0.1 ms: {said}" in accounts.table({"SQLite": costs}).splitlines()[3]
