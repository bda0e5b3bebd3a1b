"""What may go wrong around a connection: other processes, failures side by side, servers that mislead."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import socket
import ssl
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tiledkernel.client import ClientError, Context, from_context, from_uri
from tiledkernel.client.aio import AsyncContext
from tiledkernel.client.calls import Call
from tiledkernel.client.files import into_file
from tiledkernel.client.messages import UnexpectedAnswer, parse_about
from tiledkernel.client.plans import ask_bytes, ask_message, together
from tiledkernel.client.retries import retry_after
from tiledkernel.client.side_by_side import Stop, Stopped, run_side_by_side
from tiledkernel.client.straight import socket_of
from tiledkernel.client.uris import parse_address, split_path
from tiledkernel.composition import Composition
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.server import Settings, build_app

from .scripted import ABOUT, Scripted, message, resource

SQUARE = np.arange(10_000.0).reshape(100, 100)
CALL = Call(url="http://local-tiled-app/api/v1/metadata/a")


@pytest.fixture
def uri(listen: Any, kernel: Composition) -> str:
    tree = {"x": MemoryArray(SQUARE)}
    return listen(build_app(tree, settings=Settings(allow_anonymous_access=True), composition=kernel))


# Other processes


def read_in_child(client: Any, results: Any) -> None:
    found = [bool((client["x"][row] == SQUARE[row]).all()) for row in range(60)]
    results.put(all(found))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_processes_read_side_by_side_with_their_parent(uri: str) -> None:
    """Each has connections of its own: otherwise they would take each other's answers."""
    client = from_uri(uri)
    with client.context:
        assert (client["x"][0] == SQUARE[0]).all()
        forking = multiprocessing.get_context("fork")
        results = forking.Queue()
        children = [forking.Process(target=read_in_child, args=(client, results)) for _ in range(3)]
        for child in children:
            child.start()
        read_in_child(client, results)
        assert [results.get(timeout=30) for _ in range(4)] == [True] * 4
        for child in children:
            child.join(30)


# Failures side by side


def test_the_first_failure_is_raised_at_once() -> None:
    release = threading.Event()

    def fail() -> None:
        raise LookupError("here")

    began = time.monotonic()
    with pytest.raises(LookupError, match="here"):
        run_side_by_side([lambda: release.wait(20), fail], 2, Stop())
    release.set()
    assert time.monotonic() - began < 10


def test_what_is_stopped_from_outside_stops_within() -> None:
    outer = Stop()
    outer.set()
    with pytest.raises(Stopped):
        run_side_by_side([lambda: 1, lambda: 2], 2, Stop(outer))


def test_results_are_in_order() -> None:
    def slow(number: int) -> int:
        time.sleep(0.01 * (number % 3))
        return number

    assert run_side_by_side([partial(slow, number) for number in range(9)], 3, Stop()) == list(range(9))


def test_a_failure_ends_what_is_done_within_another_part(scripted: Any) -> None:
    """The rest of the parts' parts is not asked for."""
    context, app = scripted(message({"detail": "no"}, 403), (200, {}, b"x"), max_connections=2)
    parts = [ask_bytes(CALL), together(ask_bytes(CALL) for _ in range(200))]
    with pytest.raises(ClientError, match="403"):
        context.run(together(parts))
    count = len(app.requests)
    assert count < 100


def test_cancelled_reads_leave_the_connection_usable(uri: str) -> None:
    async def program() -> bool:
        from tiledkernel.client import aio

        client = await aio.from_uri(uri, max_connections=2)
        async with client.context:
            array = await client["x"]
            for number in range(60):
                try:
                    async with asyncio.timeout(0.0005 * (number % 8)):
                        await array.read()
                except TimeoutError:
                    pass
            async with asyncio.timeout(20):
                return bool((await array.read() == SQUARE).all())

    assert asyncio.run(program())


def test_an_application_that_waits_for_one_answer_before_the_next_is_read_whole() -> None:
    """Many answers at once, of an application that works on two at a time."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/api/v1/":
            await Scripted((200, {}, b"x"))(scope, receive, send)
            return
        async with limit:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(20):
                await send({"type": "http.response.body", "body": b"x" * 10, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    limit = asyncio.Semaphore(2)

    async def program() -> list[bytes]:
        async with await AsyncContext.from_app(app) as context, asyncio.timeout(30):
            return await context.run(together(ask_bytes(CALL) for _ in range(30)))

    assert asyncio.run(program()) == [b"x" * 200] * 30


# Servers that mislead


def test_links_to_another_address_are_asked_for_at_ours(listen: Any) -> None:
    """Behind a tunnel a server does not know its address; and the key goes nowhere else."""
    app = Scripted(message({"data": resource("a", "container")}))
    with Context(listen(app), api_key="k") as context:
        context.run(ask_message(Call(url="http://internal.example:1234/api/v1/metadata/a")))
    ((path, headers),) = app.requests
    assert path == "/api/v1/metadata/a"
    assert headers["host"].startswith("127.0.0.1")


@pytest.mark.parametrize("status", [202, 204, 206, 300])
def test_another_status_is_no_data(scripted: Any, status: int, tmp_path: Path) -> None:
    context, _ = scripted((status, {}, b"" if status == 204 else b"x"))
    with pytest.raises(UnexpectedAnswer, match=str(status)):
        context.data(CALL, lambda _: into_file(tmp_path / "f"))
    assert list(tmp_path.iterdir()) == []


def test_a_coding_that_nobody_knows_leaves_no_file(scripted: Any, tmp_path: Path) -> None:
    context, _ = scripted((200, {"content-encoding": "br"}, b"x"))
    with pytest.raises(UnexpectedAnswer, match="'br'"):
        context.data(CALL, lambda _: into_file(tmp_path / "f"))
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_names_itself_as_the_next_ends(scripted: Any) -> None:
    link = "http://local-tiled-app/api/v1/search/a?page[cursor]=5"
    page = {"data": [resource("b")], "links": {"next": link}, "meta": {"count": 9}}
    context, app = scripted(message({"data": resource("a")}), message(page))
    with pytest.raises(UnexpectedAnswer, match="never end"):
        list(from_context(context, node_path_parts=["a"]))
    assert len(app.requests) < 6


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": []}, {"data": {"id": "a"}}, []])
def test_an_answer_without_a_node_is_told(scripted: Any, answer: Any) -> None:
    context, _ = scripted(message({"data": resource("a")}), message(answer))
    container = from_context(context, node_path_parts=["a"])
    with pytest.raises(UnexpectedAnswer, match="describes no node"):
        container.get("b")


def test_a_server_may_leave_open_what_it_has_not() -> None:
    empty = dict.fromkeys(["formats", "aliases", "queries", "meta", "distributions"])
    about = parse_about(ABOUT | empty | {"authentication": {"required": None, "providers": None, "links": None}})
    assert about.formats == {}
    assert not about.authentication.required


def test_a_body_that_claims_to_be_endless_is_told() -> None:
    from tiledkernel.client.sinks import Collected

    with pytest.raises(UnexpectedAnswer, match="more than fit into memory"):
        next(Collected(httpx.Headers()).rest(99 * 10**18))


# Addresses and secrets


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match=r"auth=httpx\.BasicAuth") as caught:
        parse_address("http://me:hunter2@host")
    assert "hunter2" not in str(caught.value)


def test_a_key_in_a_wrong_address_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="cannot connect to") as caught:
        parse_address("ftp://host?api_key=SECRET")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("path", ["a/..", "./a", ".."])
def test_no_node_is_called_so(path: str) -> None:
    with pytest.raises(KeyError):
        split_path(path)


def test_errors_pickle_without_secrets(scripted: Any) -> None:
    context, _ = scripted(message({"detail": "no"}, 403), api_key="SECRET")
    with pytest.raises(ClientError) as caught:
        context.message(CALL)
    pickled = pickle.dumps(caught.value)
    assert b"SECRET" not in pickled
    again = pickle.loads(pickled)
    assert (type(again), str(again), again.response.status_code) == (ClientError, str(caught.value), 403)
    assert again.response.json() == {"detail": "no"}


def test_an_error_of_the_network_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILED_RETRY_ATTEMPTS", "1")
    with pytest.raises(httpx.ConnectError) as caught:
        Context("http://127.0.0.1:1")
    assert caught.value.__notes__ == ["GET http://127.0.0.1:1/api/v1/"]


# What does not pass


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (caused(httpx.ConnectError(""), ssl.SSLCertVerificationError()), False),
        (caused(httpx.ConnectError(""), socket.gaierror(socket.EAI_NONAME, "unknown")), False),
        (caused(httpx.ConnectError(""), socket.gaierror(socket.EAI_AGAIN, "later")), True),
        (caused(httpx.ConnectError(""), ConnectionRefusedError()), True),
    ],
)
def test_what_cannot_pass_is_not_tried_again(error: Exception, again: Any) -> None:
    assert retry_after(error) is again


def test_who_is_to_wait_longer_than_there_is_patience_for_is_told_at_once(
    scripted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_RETRY_TIMEOUT", "5")
    context, app = scripted((503, {"retry-after": "30"}, b""))
    began = time.monotonic()
    with pytest.raises(httpx.HTTPStatusError):
        context.message(CALL)
    assert time.monotonic() - began < 5
    assert len(app.requests) == 1


def test_a_wrong_setting_is_named(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    context, _ = scripted(message(1))
    monkeypatch.setenv("TILED_RETRY_ATTEMPTS", "many")
    with pytest.raises(ValueError, match="TILED_RETRY_ATTEMPTS is 'many'"):
        context.message(CALL)


def test_what_is_no_step_of_a_plan_is_told(scripted: Any) -> None:
    def plan() -> Any:
        yield CALL

    context, _ = scripted(message(1))
    with pytest.raises(TypeError, match="yields Ask or Together, not Call"):
        context.run(plan())


# Places


def test_a_pipe_stays_a_pipe(scripted: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    context, _ = scripted((200, {}, b"data"))
    reader = threading.Thread(target=lambda: seen.append((tmp_path / "pipe").read_bytes()))
    seen: list[bytes] = []
    reader.start()
    context.data(CALL, lambda _: into_file(tmp_path / "pipe"))
    reader.join(10)
    assert seen == [b"data"]
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_to_a_file_stays_a_link(scripted: Any, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    context, _ = scripted((200, {}, b"new"))
    context.data(CALL, lambda _: into_file(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_bytes() == b"new"


def test_files_get_the_mode_that_the_user_wants(scripted: Any, tmp_path: Path) -> None:
    context, _ = scripted((200, {}, b"new"))
    before = os.umask(0o027)
    try:
        context.data(CALL, lambda _: into_file(tmp_path / "f"))
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640


class Stream:
    """The network stream of TLS within TLS: its socket carries the outer one."""

    def get_extra_info(self, name: str) -> Any:
        inner = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="x")
        return {"ssl_object": inner, "socket": ssl.SSLSocket.__new__(ssl.SSLSocket)}[name]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_encryption_within_encryption_is_not_bypassed() -> None:
    request = httpx.Request("GET", "https://x")
    assert socket_of(httpx.Response(200, request=request, extensions={"network_stream": Stream()})) is None
