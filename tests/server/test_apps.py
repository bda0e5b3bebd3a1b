"""Applications: several side by side, the same tree in two, with and without a lifespan."""

from __future__ import annotations

import asyncio
import threading

import httpx
import numpy as np
import pytest

from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError, PluginError
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.plugins import discover
from tiledkernel.records import Route, Router
from tiledkernel.server import Settings, build_app
from tiledkernel.server.routing import RouteTable

KERNEL = Composition(discover(third_party=False))


def test_applications_side_by_side_share_nothing(connect) -> None:
    one = connect({"a": np.arange(3)}, public=False, single_user_api_key="first")
    two = connect({"b": np.arange(3)}, public=False, single_user_api_key="second")
    for caller, key, path in ((one, "first", "metadata/a"), (two, "second", "metadata/b")):
        assert caller.get(path, headers={"authorization": f"Apikey {key}"}).status_code == 200
    assert one.get("metadata/a", headers={"authorization": "Apikey second"}).status_code == 401
    assert two.get("metadata/a", headers={"authorization": "Apikey second"}).status_code == 404


def test_one_tree_may_be_served_twice_and_does_not_change(connect) -> None:
    array = np.arange(5)
    tree = MemoryContainer({"a": MemoryArray(array), "c": {"raw": array}}, metadata={"m": [1]})
    before = (dict(tree), dict(tree.metadata))
    for caller in (connect(tree), connect(tree, root_path="/two"), connect({"/x": tree, "/y": tree})):
        prefix = "" if "a" in [item["id"] for item in caller.json("search/")["data"]] else "y/"
        np.testing.assert_array_equal(caller.array(f"array/full/{prefix}a", (5,), "i8"), np.arange(5))
        assert caller.json(f"search/{prefix}")["meta"]["count"] == 2
    assert (dict(tree), dict(tree.metadata)) == before
    np.testing.assert_array_equal(array, np.arange(5))


def test_a_mapping_of_paths_mounts_trees(connect) -> None:
    caller = connect({"/raw/2026": {"a": 1}, "/raw/2025": {"b": 2}, "/live": {"c": 3}})
    assert [item["id"] for item in caller.json("search/")["data"]] == ["raw", "live"]
    assert [item["id"] for item in caller.json("search/raw")["data"]] == ["2026", "2025"]
    assert caller.json("metadata/raw/2025/b")["data"]["attributes"]["ancestors"] == ["raw", "2025"]
    assert connect({"/": {"a": 1}}).json("metadata/a")["data"]["id"] == "a"


@pytest.mark.parametrize(
    ("trees", "sentence"),
    [
        ({"/a": {}, "/a/b": {}}, "lies inside the tree"),
        ({"/": {}, "/a": {}}, "lies inside the tree"),
        ({"/a": {}, "/a/": {}}, "same mount path"),
    ],
)
def test_mounts_that_cannot_be_meant_stop_the_start(trees, sentence) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        build_app(trees)


def test_an_empty_mapping_is_an_empty_tree(connect) -> None:
    assert connect({}).json("search/")["meta"] == {"count": 0}


def test_what_is_no_tree_stops_the_start() -> None:
    with pytest.raises(
        PluginError, match=r"no family adopts builtins\.object objects; expected a node or one of: builtins\.dict"
    ):
        build_app(object(), composition=KERNEL)


def test_a_route_without_scopes_does_not_start(kernel) -> None:
    service = build_app({"a": 1}, composition=kernel).state.service
    with pytest.raises(ConfigurationError, match="does not declare the scopes"):
        RouteTable(service, [Route(path="/x", handler=lambda request: None, scopes=None)])  # type: ignore[arg-type]


def test_two_routes_for_one_path_do_not_start(kernel) -> None:
    service = build_app({"a": 1}, composition=kernel).state.service
    route = Route(path="/x", handler=lambda request: None, scopes=frozenset())
    with pytest.raises(ConfigurationError, match="two routes answer GET '/x'"):
        RouteTable(service, [route, route])


def test_a_plugin_may_bring_a_router_of_its_own(connect, monkeypatch) -> None:
    import sys
    from types import ModuleType, SimpleNamespace

    from tiledkernel import hookimpl
    from tiledkernel.server.answers import Message

    module = ModuleType("extra_routes")
    module.ROUTES = (
        Route(
            path="/hello/{path}",
            handler=lambda request: Message({"hello": list(request.entry.path)}),
            scopes=frozenset({"read:metadata"}),
        ),
    )  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "extra_routes", module)

    @hookimpl
    def register_routers():
        return [Router(name="extra", prefix="/custom", routes="extra_routes:ROUTES")]

    composition = Composition(
        discover(third_party=False, extra={"extra": SimpleNamespace(register_routers=register_routers)})
    )
    caller = connect({"a": {"b": 1}}, composition=composition, public=True)
    assert caller.json("/custom/hello/a/b") == {"hello": ["a", "b"]}
    assert caller.get("/custom/hello/nope").status_code == 404
    assert "/custom/hello/{path}" in caller.json("/openapi.json")["paths"]
    assert connect({"a": 1}, composition=composition, public=False).get("/custom/hello/a").status_code == 401


def lifespan(app):
    """Start and stop an application as a server does."""

    async def run(*calls) -> list[int]:
        incoming: asyncio.Queue = asyncio.Queue()
        sent: asyncio.Queue = asyncio.Queue()
        task = asyncio.create_task(
            app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, incoming.get, sent.put)
        )
        await incoming.put({"type": "lifespan.startup"})
        assert (await sent.get())["type"] == "lifespan.startup.complete"
        statuses = [await call() for call in calls]
        await incoming.put({"type": "lifespan.shutdown"})
        assert (await sent.get())["type"] == "lifespan.shutdown.complete"
        await task
        return statuses + [await call() for call in calls]

    return run


def test_requests_are_answered_without_a_lifespan_in_one_and_after_it(composition) -> None:
    app = build_app(
        {"a": np.arange(10), "big": np.zeros(10**6)},
        settings=Settings(allow_anonymous_access=True),
        composition=composition,
    )

    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://data.example") as client:
            return max(
                [(await client.get(f"/api/v1/array/full/{path}")).status_code for path in ("a", "big", "a?format=json")]
            )

    async def main() -> list[int]:
        return [await ask(), *await lifespan(app)(ask)]

    assert asyncio.run(main()) == [200, 200, 200]
    app.state.service.close()


def test_an_application_serves_several_event_loops_at_once() -> None:
    app = build_app({"a": np.zeros((700, 700)), "c": {"x": 1}}, settings=Settings(allow_anonymous_access=True))
    results: list[int] = []

    async def work() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://data.example") as client:
            for number in range(20):
                headers = {"accept-encoding": f"gzip, x{number}"}
                for path in ("full/a", f"full/a?slice={number}&format=json", "full/c", f"full/nope{number}"):
                    response = await client.get(f"/api/v1/array/{path}", headers=headers)
                    results.append(response.status_code)

    threads = [threading.Thread(target=asyncio.run, args=(work(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(results)) == [200, 404]
    assert len(results) == 4 * 20 * 4
    app.state.service.close()


def test_state_tells_what_others_build_on(kernel) -> None:
    app = build_app({"a": 1}, settings=Settings(single_user_api_key="mine"), composition=kernel)
    assert app.state.api_key == "mine"
    assert app.state.root_tree is app.state.service.resolver.root
    assert "/api/v1" in app.state.tables
