"""Walkers of a site say what becomes of files before the rules do, also in a live mirror."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.readers import ReaderTable
from tiledkernel.nodes.walk import Rules
from tiledkernel.nodes.walkers import Settings

from .conftest import READERS


async def pairs(node: Any, path: Path, files: list[Path], directories: list[Path], settings: Any) -> Any:
    """Files `x.left.npy` and `x.right.npy` are one node."""
    del node, path
    for left in [file for file in files if file.name.endswith(".left.npy")]:
        right = left.with_name(left.name.replace("left", "right"))
        settings.propose(left.name.partition(".")[0], [left, right])
        files = [file for file in files if file not in (left, right)]
    return files, directories


def broken(*_: Any) -> Any:
    raise RuntimeError("the walker is broken")


def only_folders(node: Any, path: Path, files: list[Path], directories: list[Path], settings: Any) -> Any:
    """A walker need not be asynchronous."""
    del node, path, files, settings
    return [], directories


def test_a_live_mirror_shows_what_walkers_propose(put, serve) -> None:
    put("a.left.npy", [1])
    put("a.right.npy", [2])
    put("b.npy", [3])
    put("sub/c.left.npy", [4])
    put("sub/c.right.npy", [5])
    tree = serve(walkers=(f"{__name__}:pairs",))
    assert (tree.keys(), list(tree["sub"])) == (["a", "b", "sub"], ["c"])
    assert tree["a"].open().array.tolist() == [[1], [2]]


def test_what_comes_later_is_shown_as_well(put, serve) -> None:
    tree = serve(walkers=(f"{__name__}:pairs",))
    assert tree.keys() == []
    put("a.left.npy", [1])
    put("a.right.npy", [2])
    assert tree.keys() == ["a"]


def test_walkers_come_one_after_the_other(put, serve) -> None:
    put("a.left.npy", [1])
    put("a.right.npy", [2])
    put("b.npy", [3])
    put("sub/c.npy", [3])
    tree = serve(walkers=(f"{__name__}:pairs", f"{__name__}:only_folders"))
    assert tree.keys() == ["a", "sub"]


def test_a_proposal_and_a_file_that_want_one_key_are_both_left_out(put, serve, caplog) -> None:
    put("a.left.npy", [1])
    put("a.right.npy", [2])
    put("a.npy", [3])
    assert serve(walkers=(f"{__name__}:pairs",)).keys() == []
    assert "a.left.npy and a.npy want the same key 'a'" in caplog.text


def test_a_walker_that_fails_leaves_all_to_the_rules(put, serve, caplog) -> None:
    put("a.npy", [1])
    with caplog.at_level(logging.WARNING):
        assert serve(walkers=(f"{__name__}:broken",)).keys() == ["a"]
    assert "a walker failed in" in caplog.text


@pytest.fixture
def settings(folder: Path) -> Settings:
    return Settings(folder, SafeRoot(folder), Rules(readers=ReaderTable(READERS)))


def test_a_proposal_can_name_the_type(put, settings) -> None:
    settings.propose("x", [put("x.data", [1])], mimetype="multipart/related;type=application/x-npy")
    (item,) = settings.proposals
    assert (item.media_type, item.sequence, item.why) == ("application/x-npy", True, "walker")


@pytest.mark.parametrize(
    ("files", "mimetype", "match"),
    [
        ([], None, "without files"),
        (["x.unknown"], None, "no reader claims 'x.unknown'"),
        (["x.npy"], "text/none", "no reader claims 'x.npy' as 'text/none'"),
        (["x.bad", "x.bad"], None, "makes no node of several files"),
    ],
)
def test_a_proposal_that_nobody_could_read_is_refused(put, settings, files, mimetype, match) -> None:
    for name in files:
        put(name, b"x")
    with pytest.raises(ValueError, match=match):
        settings.propose("x", files, mimetype)
