"""Tasks of trees: begun when the tree is first looked at, once, however often it is served."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from textwrap import dedent

import pytest


@pytest.fixture
def tree(site):
    return site.Folder({}, {"count": 0})


def count(tree):
    tree._metadata["count"] += 1


def test_startup_tasks_are_done_before_anything_is_asked(serve, ask, tree, site):
    async def connect():
        await asyncio.sleep(0.01)
        tree.children["made"] = site.Image()

    tree.startup_tasks = [connect, lambda: count(tree)]
    assert list(serve(tree)) == list(serve(tree)) == ["made"]
    assert tree.metadata() == {"count": 1}


def test_nothing_begins_before_somebody_looks(composition, tree):
    from tiledkernel.server import build_app

    tree.startup_tasks = [lambda: count(tree)]
    build_app(tree, composition=composition)
    assert tree.metadata() == {"count": 0}


def test_a_startup_task_that_fails_is_told_and_tried_again(serve, ask, tree):
    outcomes = [RuntimeError("not yet"), None]

    async def connect():
        if (error := outcomes.pop(0)) is not None:
            raise error

    tree.startup_tasks = [connect]
    client = serve({"f": tree})
    response = ask(client, "metadata/f")
    assert (response.status_code, response.json()["detail"]) == (
        500,
        "'f' could not be read: Folder raised RuntimeError",
    )
    assert ask(client, "metadata/f").status_code == 200


def test_a_startup_task_without_a_key_is_no_missing_entry(serve, ask, tree):
    def fail():
        raise KeyError("DATABASE")

    tree.startup_tasks = [fail]
    assert ask(serve({"f": tree}), "metadata/f/child").json()["detail"] == (
        "'f' could not be read: Folder raised KeyError"
    )


def test_tasks_of_children_are_not_those_of_a_tree(serve, tree, site):
    child = site.Image()
    child.startup_tasks = [lambda: count(tree)]
    tree.children["a"] = child
    assert serve(tree)["a"][0, 0] == 0
    assert tree.metadata() == {"count": 0}


@pytest.mark.parametrize("style", ["coroutine", "function"])
def test_background_tasks_go_on_while_the_tree_is_served(serve, tree, style):
    ticked, stop = threading.Event(), threading.Event()

    async def tick():
        while not stop.is_set():
            ticked.set()
            await asyncio.sleep(0.005)

    def tick_in_a_thread():
        while not stop.wait(0.005):
            ticked.set()

    tree.background_tasks = [tick if style == "coroutine" else tick_in_a_thread]
    serve(tree)
    try:
        assert ticked.wait(10)
        ticked.clear()
        assert ticked.wait(10)
    finally:
        stop.set()


def test_a_background_task_that_fails_is_logged(serve, tree, caplog):
    async def fail():
        raise RuntimeError("dark")

    tree.background_tasks = [fail]
    serve(tree)
    limit = time.monotonic() + 10
    while "a background task of Folder failed" not in caplog.text and time.monotonic() < limit:
        time.sleep(0.01)
    assert "RuntimeError: dark" in caplog.text


def test_shutdown_tasks_are_done_when_the_process_ends(tmp_path):
    code = """
    from tiled_bridge.tasks import begin

    class Tree:
        async def stop():
            print("stopped", flush=True)

        shutdown_tasks = [stop]

    tree = Tree()
    begin(tree)
    begin(tree)
    """
    done = subprocess.run([sys.executable, "-c", dedent(code)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["stopped"]


def test_routers_of_a_tree_are_not_served_and_that_is_said(serve, tree, caplog):
    tree.include_routers = [object()]
    serve(tree)
    assert "the routers of Folder are not served" in caplog.text
