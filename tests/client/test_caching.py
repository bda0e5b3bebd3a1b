"""A connection with a cache: what is asked again, what is not, and what is shown while the server is away."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

from tiledkernel.client import ClientError, Context, aio, from_context, from_uri, record_history
from tiledkernel.client.cache import Cache
from tiledkernel.client.exchanges import OfflineWarning
from tiledkernel.composition import Composition
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.server import Settings, build_app

from .scripted import Scripted, message, resource

KEY = "s3cretkey"
SQUARE = np.arange(100.0).reshape(10, 10)


class Switched:
    """A server that can be switched off and on again, at the same address."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._port = 0
        self.switch_on()
        self.uri = f"http://127.0.0.1:{self._port}"

    def switch_on(self) -> None:
        """Serve."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._port = self._listener.getsockname()[1]
        self._server = uvicorn.Server(uvicorn.Config(self._app, log_config=None))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def switch_off(self) -> None:
        """Serve no longer: connections are refused."""
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def live() -> dict[str, Any]:
    return {"x": MemoryArray(SQUARE)}


@pytest.fixture
def server(kernel: Composition, live: Any) -> Iterator[Switched]:
    settings = Settings(single_user_api_key=KEY, allow_anonymous_access=True)
    running = Switched(build_app(live, settings=settings, composition=kernel))
    yield running
    running.switch_off()


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache.db") as opened:
        yield opened


@pytest.fixture
def connected(server: Switched) -> Iterator[Callable[..., Any]]:
    contexts = []

    def connect(cache: Cache | None, **settings: Any) -> Any:
        client = from_uri(server.uri, cache=cache, **settings)
        contexts.append(client.context)
        return client

    yield connect
    for context in contexts:
        context.close()


def read(array: Any) -> tuple[Any, list[int]]:
    """What is read, and the statuses of the answers."""
    with record_history() as history:
        found = array.read()
    return found, [response.status_code for response in history.responses]


def test_what_has_not_changed_does_not_travel_again(connected: Any, cache: Cache) -> None:
    array = connected(cache)["x"]
    assert read(array)[1] == [200]
    found, statuses = read(array)
    assert statuses == [304]
    assert (found == SQUARE).all()


def test_what_has_changed_does(connected: Any, cache: Cache, live: Any, kernel: Composition) -> None:
    array = connected(cache)["x"]
    read(array)
    live["x"].array = SQUARE + 1
    live["x"]._generation = object()
    found, statuses = read(array)
    assert statuses == [200]
    assert (found == SQUARE + 1).all()


def test_it_survives_a_restart(connected: Any, tmp_path: Path) -> None:
    with Cache(tmp_path / "c.db") as first:
        read(connected(first)["x"])
    with Cache(tmp_path / "c.db") as second:
        assert read(connected(second)["x"])[1] == [304]


def test_another_person_is_not_shown_it(connected: Any, cache: Cache) -> None:
    read(connected(cache)["x"])
    assert read(connected(cache, api_key=KEY)["x"])[1] == [200]


def test_without_a_cache_everything_travels(connected: Any) -> None:
    array = connected(None)["x"]
    assert [read(array)[1] for _ in range(2)] == [[200], [200]]


def test_a_cache_can_be_given_later(connected: Any, cache: Cache) -> None:
    array = connected(None)["x"]
    array.context.cache = cache
    assert [read(array)[1] for _ in range(2)] == [[200], [304]]
    array.context.cache = None
    assert read(array)[1] == [200]


@pytest.fixture
def look_around(connected: Any) -> Callable[[Cache], tuple[list[str], Any]]:
    def look(cache: Cache) -> tuple[list[str], Any]:
        client = connected(cache)
        return list(client), client["x"].read()

    return look


def test_what_was_seen_is_shown_while_the_server_is_away(
    connected: Any, cache: Cache, server: Switched, look_around: Any
) -> None:
    """Also by a program that is started then; and without waiting."""
    client = connected(cache)
    assert list(client) == ["x"]
    read(client["x"])
    server.switch_off()
    try:
        began = time.monotonic()
        with pytest.warns(OfflineWarning, match="cannot be reached"):
            keys, found = look_around(cache)
        assert keys == ["x"]
        assert (found == SQUARE).all()
        assert time.monotonic() - began < 5
    finally:
        server.switch_on()


def test_what_was_not_seen_is_an_error_then(
    connected: Any, cache: Cache, server: Switched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_RETRY_ATTEMPTS", "1")
    array = connected(cache)["x"]
    server.switch_off()
    try:
        with pytest.raises(Exception, match="refused"):
            array[3:4]
    finally:
        server.switch_on()


def test_an_answer_that_is_still_vouched_for_is_not_asked_for(tmp_path: Path, listen: Any) -> None:
    """And the history shows it."""
    status, headers, body = message({"data": resource("a")})
    app = Scripted((status, {**headers, "cache-control": "max-age=60", "etag": '"1"'}, body))
    with Cache(tmp_path / "c.db") as cache, Context(listen(app), cache=cache) as context:
        for _ in range(3):
            with record_history() as history:
                assert from_context(context, node_path_parts=["a"]).path_parts == ["a"]
            assert len(history.responses) == 1
    assert len(app.requests) == 1


def test_errors_are_not_kept(connected: Any, cache: Cache) -> None:
    client = connected(cache)
    count = cache.count()
    for _ in range(2):
        with pytest.raises(ClientError):
            client["x"].export("x.nonsense")
    assert cache.count() <= count + 1  # the description of x


def test_an_application_in_this_process_is_not_cached(kernel: Composition, cache: Cache) -> None:
    with Context.from_app(build_app({"x": SQUARE}, composition=kernel), cache=cache) as context:
        from_context(context)["x"].read()
    assert cache.count() == 0


def test_the_asynchronous_face_uses_it_too(server: Switched, cache: Cache) -> None:
    async def program() -> list[list[int]]:
        client = await aio.from_uri(server.uri, cache=cache)
        seen = []
        async with client.context:
            array = await client["x"]
            for _ in range(2):
                with record_history() as history:
                    assert (await array.read() == SQUARE).all()
                seen.append([response.status_code for response in history.responses])
        return seen

    assert asyncio.run(program()) == [[200], [304]]
