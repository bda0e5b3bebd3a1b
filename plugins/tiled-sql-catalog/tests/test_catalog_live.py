"""Catalogs made in Python, served by applications in this process."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import tiled_sql_catalog
from tiled_sql_catalog import from_uri, in_memory

from tiledkernel.client import Context, from_context
from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app, build_app_from_config

KEY = Settings(single_user_api_key="abc")


@pytest.fixture(scope="module")
def composition() -> Composition:
    return Composition(discover(third_party=False, extra={"sql-catalog": tiled_sql_catalog}))


@pytest.fixture
def opened(composition) -> Iterator[Callable[..., Any]]:
    """`opened(uri, **options)`: a catalog that is closed in the end."""
    trees = []

    def make(uri: str, **options: Any) -> Any:
        trees.append(from_uri(uri, composition=composition, **{"init_if_not_exists": True} | options))
        return trees[-1]

    yield make
    for tree in trees:
        tree.close()


@contextmanager
def served(tree: Any, composition: Composition) -> Iterator[Any]:
    """The client of an application around a tree."""
    with Context.from_app(build_app(tree, settings=KEY, composition=composition)) as context:
        yield from_context(context)


def shut_down(app: Any) -> None:
    """Start and end an application as a server does."""

    async def run() -> None:
        incoming: asyncio.Queue[Any] = asyncio.Queue()
        sent: asyncio.Queue[Any] = asyncio.Queue()
        for kind in ("startup", "shutdown"):
            incoming.put_nowait({"type": f"lifespan.{kind}"})
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, incoming.get, sent.put)

    asyncio.run(run())


@pytest.fixture(params=["database", "memory"])
def tree(request, uri, opened, composition):
    """A catalog in a database of either kind, and one in memory."""
    return opened(uri) if request.param == "database" else in_memory(composition=composition)


def test_a_catalog_may_be_served_twice_in_a_row(tree, composition):
    first = build_app(tree, settings=KEY, composition=composition)
    with Context.from_app(first) as context:
        from_context(context).create_container("a", metadata={"color": "blue"})
    shut_down(first)
    with served(tree, composition) as client:
        assert client["a"].metadata["color"] == "blue"
        client.create_container("b")
    assert list(tree) == ["a", "b"]


def test_a_catalog_may_be_served_by_two_applications_at_once(tree, composition):
    with served(tree, composition) as one, served(tree, composition) as two:
        one.create_container("a")
        two.create_container("b")
        assert list(one) == list(two) == ["a", "b"]


def test_a_catalog_answers_after_it_was_closed(tree):
    tree.close()
    assert list(tree) == []


def test_the_root_is_as_the_options_say(uri, opened, composition):
    options = {"metadata": {"facility": "example"}, "specs": ["beamline"], "top_level_access_tags": ["public"]}
    tree = opened(uri, **options)
    with served(tree, composition) as client:
        assert client.metadata["facility"] == "example"
        assert [spec.name for spec in client.specs] == ["beamline"]
    assert tree.access_tags == {"public"}
    assert opened(uri).metadata == {"facility": "example"}  # which is kept, where nobody says otherwise


def test_without_leave_no_catalog_is_made(uri, composition):
    with pytest.raises(ConfigurationError, match="catalog init"):
        from_uri(uri, composition=composition)


def test_paths_may_be_objects(tmp_path, composition):
    (tmp_path / "raw").mkdir()
    tree = from_uri(
        tmp_path / "catalog.db",
        composition=composition,
        init_if_not_exists=True,
        writable_storage=[tmp_path / "data"],
        readable_storage=(tmp_path / "raw",),
    )
    tree.close()
    assert (tmp_path / "data").is_dir()


def test_an_option_that_there_is_not_is_refused(composition):
    with pytest.raises(ConfigurationError, match="mount_nod"):
        in_memory(mount_nod="/a", composition=composition)


def test_databases_in_memory_are_separate(composition):
    one, two = in_memory(composition=composition), in_memory(composition=composition)
    one.store.create(one.store.root(), "a")
    assert (list(one), list(two)) == (["a"], [])


def test_a_name_makes_them_one(composition):
    one = in_memory(named_memory="shared", composition=composition)
    two = in_memory(named_memory="shared", composition=composition)
    other = in_memory(named_memory="other", composition=composition)
    with served(one, composition) as client:
        client.create_container("a")
    with served(two, composition) as client:
        assert list(client) == ["a"]
    assert list(other) == []


def test_closing_one_leaves_the_others_their_database(composition):
    one = in_memory(named_memory="left", composition=composition)
    two = in_memory(named_memory="left", composition=composition)
    one.store.create(one.store.root(), "a")
    one.close()
    assert list(two) == ["a"]


def test_a_named_database_goes_with_its_last_catalog(composition):
    tree = in_memory(named_memory="brief", composition=composition)
    tree.store.create(tree.store.root(), "a")
    del tree
    gc.collect()
    assert list(in_memory(named_memory="brief", composition=composition)) == []


def test_a_failure_leaves_a_named_database_alone(composition):
    tree = in_memory(named_memory="kept", composition=composition)
    tree.store.create(tree.store.root(), "a")
    with pytest.raises(ConfigurationError, match="no container at '/b'"):
        in_memory(named_memory="kept", mount_node="/b", composition=composition)
    assert list(tree) == ["a"]


def test_a_catalog_in_memory_leaves_alone_what_lies_in_its_folder(tmp_path, composition):
    """However old it is: it belongs to another catalog."""
    data = tmp_path / "data" / "ab" / ("ab" * 16)
    data.mkdir(parents=True)
    for path in (data, data.parent):
        os.utime(path, (0, 0))
    tree = in_memory(writable_storage=[tmp_path / "data"], composition=composition)
    for thread in threading.enumerate():
        if thread.name == "tiled-sweep":
            thread.join()
    assert data.is_dir()
    tree.close()


# Parts of a catalog


def test_a_part_of_a_catalog_is_served_as_the_root(uri, opened, composition):
    whole = opened(uri)
    with served(whole, composition) as client:
        client.create_container("a").create_container("b").create_container("c")
    for place in ("/a/b", ["a", "b"]):
        with served(opened(uri, mount_node=place), composition) as client:
            assert list(client) == ["c"]


def test_a_part_that_is_not_there_stops_the_start(uri, opened):
    opened(uri)
    with pytest.raises(ConfigurationError, match=r"no container at '/a'.*create_mount_nodes_if_not_exist"):
        opened(uri, mount_node="/a/b")


def test_a_part_may_be_made_and_only_the_last_container_is_described(uri, opened):
    part = opened(uri, mount_node="/a/b", create_mount_nodes_if_not_exist=True, metadata={"x": 1}, specs=["s"])
    assert part.metadata == {"x": 1}
    above = opened(uri)["a"]
    assert (above.metadata, above.specs) == ({}, ())


def test_a_configuration_mounts_several_parts(uri, composition, monkeypatch):
    monkeypatch.setattr("tiledkernel.config.compose.discover", lambda **_: composition.plugins)
    trees = [
        {
            "tree": "catalog",
            "path": f"/{name}",
            "args": {"uri": uri, "mount_node": f"/{name}", "init_if_not_exists": True},
        }
        for name in ("raw", "processed")
    ]
    app = build_app_from_config({"trees": trees, "create_mount_nodes_if_not_exist": True})
    with Context.from_app(app) as context:
        client = from_context(context)
        client["raw"].create_container("a")
        assert list(client) == ["raw", "processed"]
        assert (list(client["raw"]), list(client["processed"])) == (["a"], [])
    for tree in app.state.root_tree.values():
        tree.close()


def test_importing_the_package_loads_no_database_library():
    script = "import tiled_sql_catalog, sys; print('sqlalchemy' in sys.modules, tiled_sql_catalog.from_uri.__name__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False from_uri\n"
