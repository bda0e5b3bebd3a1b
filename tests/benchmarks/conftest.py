"""The modules of the benchmarks are scripts: they import each other by their bare names."""

from __future__ import annotations

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """The folder of the benchmarks is on the path, as it is for a script in it."""
    monkeypatch.syspath_prepend(BENCHMARKS)
