"""Drawing a tree of keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tiledkernel.client import tree
from tiledkernel.families.container.memory import MemoryContainer


@pytest.fixture
def client(waiting_client_of: Any) -> Any:
    inner = MemoryContainer({"x": np.arange(3.0), "y z": np.arange(4)})
    leaves = {f"k{number:02}": np.ones(1) for number in range(12)}
    return waiting_client_of(MemoryContainer({**leaves, "outer": MemoryContainer({"inner": inner})}))


def test_a_tree_is_drawn(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree(client["outer"])
    assert capsys.readouterr().out == "└── inner\n    ├── x\n    └── y z\n"


def test_a_long_tree_is_cut_off(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree(client, max_lines=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["├── k00", "├── k01"]
    assert lines[2:] == ["<Output truncated at 2 lines. Adjust tree's max_lines parameter to see more.>"]


def test_a_tree_is_drawn_whole_if_asked(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree(client, max_lines=None)
    assert len(capsys.readouterr().out.splitlines()) == 16


def test_an_empty_tree_says_so(waiting_client_of: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree(waiting_client_of(MemoryContainer({})))
    assert capsys.readouterr().out == "<Empty>\n"


def test_any_mapping_can_be_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    tree({"a": {"b": 1}, "c": 2})
    assert capsys.readouterr().out == "├── a\n│   └── b\n└── c\n"
