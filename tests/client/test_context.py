"""Connections: how one is made, what it sends, what it never shows."""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import stamina

from tiledkernel.client import (
    ClientError,
    Context,
    from_context,
    from_uri,
    hide_logs,
    record_history,
    show_logs,
)
from tiledkernel.client.connection import is_loopback
from tiledkernel.client.probe import adopt_https
from tiledkernel.composition import Composition
from tiledkernel.families.array.client import ArrayClient
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.server import Settings, build_app
from tiledkernel.wire import encode_json

from .scripted import ABOUT, resource

KEY = "s3cretkey"
WIDE = np.arange(1200 * 1000.0).reshape(1200, 1000)


@pytest.fixture
def uri(listen: Any, kernel: Composition) -> str:
    """A server that wants a key to read."""
    tree = {"a": {"b": np.arange(3)}, "wide": MemoryArray(WIDE, chunks=((600, 600), (500, 500)))}
    return listen(build_app(tree, settings=Settings(single_user_api_key=KEY), composition=kernel))


@pytest.fixture(autouse=True)
def no_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TILED_API_KEY", raising=False)


@pytest.fixture
def opened() -> Iterator[Callable[[Any], Any]]:
    """Close the connections of clients in the end: `opened(client)`."""
    clients: list[Any] = []

    def note(client: Any) -> Any:
        clients.append(client)
        return client

    yield note
    for client in clients:
        client.context.close()


@pytest.mark.parametrize("form", ["", "/", "/api", "/api/v1", "/api/v1/", "/api/v1/metadata", "/api/v1/metadata/"])
def test_all_forms_of_a_uri_lead_to_the_root(uri: str, opened: Any, form: str) -> None:
    client = opened(from_uri(uri + form, api_key=KEY))
    assert list(client) == ["a", "wide"]
    assert str(client.context.api_uri) == f"{uri}/api/v1/"


def test_a_uri_may_name_a_node(uri: str, opened: Any) -> None:
    assert opened(from_uri(f"{uri}/api/v1/metadata/a/b", api_key=KEY)).read().tolist() == [0, 1, 2]


def test_a_missing_node_is_a_client_error(uri: str) -> None:
    with pytest.raises(ClientError, match=r"^404:"), Context(uri, api_key=KEY) as context:
        from_context(context, node_path_parts=["nope"])


def test_connecting_is_three_requests(uri: str, opened: Any) -> None:
    with record_history() as history:
        opened(from_uri(uri, api_key=KEY))
    assert [request.url.path for request in history.requests] == ["/", "/api/v1/", "/api/v1/metadata/"]
    assert ["authorization" in request.headers for request in history.requests] == [False, False, True]
    assert history.requests[1].headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("where", ["argument", "uri", "environment"])
def test_the_key_comes_from_several_places(uri: str, opened: Any, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "environment":
        monkeypatch.setenv("TILED_API_KEY", KEY)
    client = opened(
        from_uri(f"{uri}?api_key={KEY}" if where == "uri" else uri, api_key=KEY if where == "argument" else None)
    )
    assert client.context.api_key == KEY
    assert client.context.authenticated
    assert "api_key" not in client.uri
    assert repr(client.context) == "<Context authenticated with API key 's3cr...'>"


def test_two_keys_are_one_too_many(uri: str) -> None:
    with pytest.raises(ValueError, match="pick one"):
        from_uri(f"{uri}?api_key=x", api_key="y")


def test_a_server_that_wants_a_key_says_how_to_give_it(uri: str) -> None:
    with pytest.raises(RuntimeError, match="TILED_API_KEY"), Context(uri) as context:
        from_context(context)


def test_a_wrong_key_is_refused_by_the_server(uri: str) -> None:
    with pytest.raises(ClientError, match=r"^401:"), Context(uri, api_key="wrong") as context:
        from_context(context)


def test_a_key_can_be_changed(uri: str) -> None:
    with Context(uri, api_key="wrong") as context:
        context.api_key = KEY
        assert list(from_context(context)) == ["a", "wide"]
        context.api_key = None
        assert not context.authenticated
        assert repr(context) == "<Context (unauthenticated)>"


def test_another_kind_of_auth_may_be_used(uri: str) -> None:
    class ByHeader(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            request.headers["authorization"] = f"Apikey {KEY}"
            yield request

    with Context(uri, auth=ByHeader()) as context:
        assert list(from_context(context)) == ["a", "wide"]
        assert repr(context) == "<Context authenticated>"


def test_auth_must_be_of_the_right_kind(uri: str) -> None:
    with pytest.raises(ValueError, match=r"httpx\.Auth"):
        Context(uri, auth=("user", "password"))  # type: ignore[arg-type]


def test_a_server_without_login_knows_no_persons(uri: str) -> None:
    with Context(uri, api_key=KEY) as context, pytest.warns(UserWarning, match="no login"):
        assert context.whoami() is None


def test_headers_go_with_every_request(uri: str) -> None:
    with record_history() as history, Context(uri, api_key=KEY, headers={"x-proposal": "42"}) as context:
        from_context(context)
    assert [request.headers["x-proposal"] for request in history.requests] == ["42", "42"]
    assert history.requests[0].headers["user-agent"].startswith("python-tiled/")
    assert history.requests[0].headers["accept-encoding"] == "gzip, deflate, zstd"


def test_a_dead_server_is_tried_again_and_then_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        uri = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with stamina.set_testing(True, attempts=2), pytest.raises(httpx.ConnectError):
        from_uri(uri)


def test_an_unsupported_scheme_fails_at_once() -> None:
    with pytest.raises(ValueError, match="ftp://host"):
        from_uri("ftp://host")


def test_outdated_arguments_are_ignored_with_a_warning(uri: str, opened: Any) -> None:
    with pytest.warns(DeprecationWarning, match="username"):
        opened(from_uri(uri, api_key=KEY, username="alice"))
    with pytest.raises(TypeError, match="user_name"):
        from_uri(uri, user_name="alice")


@pytest.mark.parametrize(
    ("location", "adopted"),
    [
        ("https://127.0.0.1/", "https://127.0.0.1"),
        ("https://elsewhere.example/", None),
        ("/somewhere", None),
        (None, None),
    ],
)
def test_https_is_adopted_only_on_the_same_host(listen: Any, location: str | None, adopted: str | None) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert not any(name == b"authorization" for name, _ in scope["headers"])
        assert b"api_key" not in scope["query_string"]
        headers = [(b"location", location.encode())] if location else []
        await send({"type": "http.response.start", "status": 301 if location else 404, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    uri = listen(app)
    assert adopt_https(f"{uri}/x?api_key=K") == (f"{adopted}/x?api_key=K" if adopted else f"{uri}/x?api_key=K")


# Data over sockets


def test_a_large_array_comes_in_pieces_side_by_side(uri: str, opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ArrayClient, "largest_piece", 3 << 20)
    wide = opened(from_uri(uri, api_key=KEY, max_connections=2))["wide"]
    with record_history() as history:
        result = wide[::-1]
    assert (result == WIDE[::-1]).all()
    assert len(history.requests) == 4


def test_a_client_can_be_pickled(uri: str, opened: Any) -> None:
    client = opened(from_uri(uri, api_key=KEY))
    copied = opened(pickle.loads(pickle.dumps(client["a/b"])))
    assert copied.read().tolist() == [0, 1, 2]
    assert copied.context is not client.context


def test_a_pickle_of_another_version_is_refused(uri: str) -> None:
    with Context(uri) as context:
        state = context.__getstate__() | {"version": "0.0.1"}
        with pytest.raises(TypeError, match=r"0\.0\.1"):
            Context.__new__(Context).__setstate__(state)


@pytest.mark.parametrize(
    ("is_near", "headers", "coding"),
    [(True, {}, None), (False, {}, "zstd"), (True, {"Accept-Encoding": "gzip"}, "gzip")],
)
def test_data_are_compressed_on_the_way_if_that_is_far_or_asked_for(
    uri: str, opened: Any, monkeypatch: pytest.MonkeyPatch, is_near: Any, headers: Any, coding: Any
) -> None:
    monkeypatch.setattr("tiledkernel.client.connection.is_loopback", lambda host: is_near)
    array = opened(from_uri(uri, api_key=KEY, headers=headers))["wide"]
    with record_history() as history:
        assert (array[:] == WIDE).all()
    assert history.responses[0].headers.get("content-encoding") == coding


@pytest.mark.parametrize(
    ("host", "near"),
    [("localhost", True), ("127.0.0.7", True), ("::1", True), ("10.0.0.1", False), ("localhost.example.org", False)],
)
def test_what_this_machine_is_called(host: str, near: Any) -> None:
    assert is_loopback(host) is near


# Logs and history


@pytest.fixture
def shown() -> Iterator[None]:
    show_logs()
    yield
    hide_logs()


def test_logs_show_requests_without_secrets(uri: str, shown: None, caplog: pytest.LogCaptureFixture) -> None:
    with Context(f"{uri}?api_key={KEY}") as context:
        from_context(context)
        context.http_client.get(f"{uri}/api/v1/?api_key={KEY}")
    text = "\n".join(record.getMessage() for record in caplog.records if record.name == "tiledkernel.client")
    assert "-> GET" in text
    assert "<- (" in text
    assert "authorization:[redacted]" in text
    assert KEY not in text


def test_the_credentials_are_logged_on_demand(
    uri: str, shown: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_LOG_AUTH_TOKEN", "1")
    with Context(uri, api_key=KEY) as context:
        from_context(context)
    assert f"authorization:Apikey {KEY}" in caplog.text


def test_hiding_logs_ends_them(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    show_logs()
    hide_logs()
    assert logging.getLogger("tiledkernel.client").handlers == []
    with Context(uri, api_key=KEY) as context:
        from_context(context)
    assert "-> GET" not in caplog.text


def test_history_holds_requests_and_responses_without_secrets(uri: str) -> None:
    with record_history() as history, Context(uri, api_key=KEY) as context:
        from_context(context)
        context.http_client.get(f"{uri}/api/v1/?api_key={KEY}")
    assert len(history.requests) == len(history.responses) == 3
    assert [response.status_code for response in history.responses] == [200, 200, 200]
    seen = [*history.requests, *(response.request for response in history.responses)]
    assert not any(KEY in f"{request.url} {request.headers.multi_items()}" for request in seen)


def test_nothing_is_recorded_outside_the_block(uri: str) -> None:
    with record_history() as history:
        pass
    with Context(uri):
        assert history.requests == []


# In this process


def test_the_key_of_an_application_is_picked_up(kernel: Composition) -> None:
    with Context.from_app(build_app({"a": np.ones(1)}, composition=kernel)) as context:
        assert list(from_context(context)) == ["a"]
        assert context.authenticated
        assert context.http_client.app.state.root_tree is not None


def test_an_application_can_be_connected_to_several_times(kernel: Composition) -> None:
    app = build_app({"a": np.ones(1)}, composition=kernel)
    with Context.from_app(app) as first, Context.from_app(app) as second:
        assert list(from_context(first)) == list(from_context(second)) == ["a"]


def test_no_more_requests_for_data_run_than_allowed() -> None:
    running, most = set(), []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        json = [(b"content-type", b"application/json")]
        if scope["path"] == "/api/v1/":
            body = encode_json(ABOUT)
        elif "metadata" in scope["path"]:
            data_type = {"endianness": "not_applicable", "kind": "u", "itemsize": 1, "dt_units": None}
            structure = {"data_type": data_type, "shape": [40], "chunks": [[10] * 4], "dims": None}
            body = encode_json({"data": resource("a", "array", structure=structure)})
        else:
            running.add(id(scope))
            most.append(len(running))
            await asyncio.sleep(0.02)
            running.discard(id(scope))
            body = b"x" * 10
        await send({"type": "http.response.start", "status": 200, "headers": json})
        await send({"type": "http.response.body", "body": body})

    with Context.from_app(app, max_connections=2) as context:
        array = from_context(context, node_path_parts=["a"])
        threads = [threading.Thread(target=array.read_block, args=((number % 4,),)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(most) == 2
