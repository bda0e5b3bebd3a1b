"""Regular expressions match as `re` does, and cannot hang the server."""

from __future__ import annotations

import time

import pytest

from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes import patterns
from tiledkernel.nodes.patterns import BoundedPattern, matches_regex
from tiledkernel.queries import Regex


@pytest.mark.parametrize(
    ("pattern", "case_sensitive", "value", "found"),
    [
        ("^s", True, "sample", True),
        ("^s", True, "Sample", False),
        ("^s", False, "Sample", True),
        ("mpl", True, "sample", True),
        (r"scan_\d{3}$", True, "scan_042", True),
        (r"scan_\d{3}$", True, "scan_0421", False),
        ("", True, "", True),
        ("5", True, 5, False),
        ("red", True, ["red"], False),
    ],
)
def test_strings_match_where_a_part_of_them_does(pattern, case_sensitive, value, found) -> None:
    node = MemoryContainer({}, metadata={"a": {"b": value}})
    assert matches_regex(Regex("a.b", pattern, case_sensitive), "k", node) is found


@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"(x+x+)+y|(a|aa)+$"])
def test_a_pathological_pattern_is_refused_in_good_time(pattern) -> None:
    node = MemoryContainer({}, metadata={"x": "a" * 5_000 + "b"})
    start = time.monotonic()
    with pytest.raises(BadRequest, match="takes too long"):
        matches_regex(Regex("x", pattern), "k", node)
    assert time.monotonic() - start < 5


def test_a_pattern_that_is_slow_on_every_node_uses_up_its_budget(monkeypatch) -> None:
    monkeypatch.setattr(patterns, "BUDGET", 0.0)
    pattern = BoundedPattern("a", case_sensitive=True)
    assert pattern.found_in("a")
    with pytest.raises(BadRequest, match="takes too long"):
        pattern.found_in("a")


def test_the_budget_is_renewed_with_time(monkeypatch) -> None:
    monkeypatch.setattr(patterns, "BUDGET", 0.0)
    monkeypatch.setattr(patterns, "WINDOW", 0.0)
    pattern = BoundedPattern("a", case_sensitive=True)
    assert pattern.found_in("a")
    time.sleep(0.001)
    assert pattern.found_in("a")


@pytest.mark.parametrize("pattern", ["a" * 1001, "(" * 10, "*"])
def test_what_is_no_usable_pattern_is_unprocessable(pattern) -> None:
    with pytest.raises(Unprocessable):
        BoundedPattern(pattern, case_sensitive=True)
