"""The asynchronous face, as a program uses it; that it finds the same is said by the tests that run over both."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tiledkernel.client import ClientError, record_history
from tiledkernel.client.aio import AsyncContext, from_context, from_uri
from tiledkernel.client.calls import Call
from tiledkernel.client.plans import ask_bytes, together
from tiledkernel.composition import Composition
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.queries import Key
from tiledkernel.server import Settings, build_app

from .scripted import Scripted, message

KEY = "sixteenletters"
BIG = np.arange(400.0).reshape(20, 20)
TREE = {
    "big": MemoryArray(BIG, chunks=((5, 5, 5, 5), (20,)), metadata={"color": "red"}),
    "inner": {"x": np.arange(3)},
    "table": pd.DataFrame({"a": [1, 2, 3]}),
}


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


@pytest.fixture
def uri(listen: Any, kernel: Composition) -> str:
    return listen(
        build_app(TREE, settings=Settings(single_user_api_key=KEY, allow_anonymous_access=True), composition=kernel)
    )


def test_a_program_reads_over_the_network(uri: str) -> None:
    async def program() -> None:
        client = await from_uri(uri, api_key=KEY)
        assert [key async for key in client] == list(TREE)
        assert await client.count() == 3
        assert await client.has("inner/x")
        assert await client.keys().last() == "table"
        array = await client["big"]
        assert (await array[3:5, ::-1] == BIG[3:5, ::-1]).all()
        assert [row.sum() async for row in array] == list(BIG.sum(axis=1))
        assert (await (await client["table"]).read())["a"].tolist() == [1, 2, 3]
        found = client.search(Key("color") == "red")
        assert await found.keys().head() == ["big"]
        assert (await array.parent).path_parts == []
        await client.context.aclose()

    run(program())


def test_several_answers_are_waited_for_together(uri: str) -> None:
    async def program() -> list[Any]:
        client = await from_uri(uri)
        async with client.context:
            return await asyncio.gather(*(client["inner/x"] for _ in range(5)))

    assert [node.shape for node in run(program())] == [(3,)] * 5


def test_a_uri_may_name_a_node(uri: str) -> None:
    async def program() -> None:
        array = await from_uri(f"{uri}/api/v1/metadata/big")
        async with array.context:
            assert array.shape == (20, 20)

    run(program())


def test_a_missing_node_closes_the_connection_again(uri: str) -> None:
    with pytest.raises(ClientError, match="404"):
        run(from_uri(f"{uri}/api/v1/metadata/nope"))


@pytest.mark.parametrize(
    ("use", "advice"),
    [(len, "await"), (list, "async for"), (lambda client: "big" in client, "await container.has")],
)
def test_what_cannot_be_awaited_says_what_to_write(uri: str, use: Any, advice: str) -> None:
    async def program() -> None:
        client = await from_uri(uri)
        async with client.context:
            with pytest.raises(TypeError, match=advice):
                use(client)

    run(program())


def test_its_repr_asks_nobody(uri: str) -> None:
    async def program() -> None:
        client = await from_uri(uri, api_key=KEY)
        async with client.context:
            with record_history() as history:
                assert repr(client) == f"<Container of '{uri}/api/v1/metadata/'>"
                assert repr(client.context) == "<AsyncContext authenticated with API key 'sixteen...'>"
            assert not history.requests

    run(program())


def test_an_export_is_awaited(uri: str, tmp_path: Any) -> None:
    async def program() -> None:
        client = await from_uri(uri)
        async with client.context:
            await (await client["table"]).export(tmp_path / "t.csv")

    run(program())
    assert (tmp_path / "t.csv").read_text().splitlines()[0] == "a"


def test_it_belongs_to_its_loop(uri: str) -> None:
    async def program() -> None:
        async with await AsyncContext.connect(uri) as context:
            with pytest.raises(TypeError, match="event loop"):
                pickle.dumps(context)

    run(program())


def test_no_more_requests_run_than_allowed() -> None:
    open_now = most = 0

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        nonlocal open_now, most
        if scope["path"] != "/api/v1/":
            open_now += 1
            most = max(most, open_now)
            await asyncio.sleep(0.02)
            open_now -= 1
        await Scripted((200, {}, b"x"))(scope, receive, send)

    async def program() -> list[bytes]:
        async with await AsyncContext.from_app(slow, max_connections=3) as context:
            return await context.run(together(ask_bytes(Call(url="http://local-tiled-app/api/v1/x")) for _ in range(9)))

    assert run(program()) == [b"x"] * 9
    assert most == 3


def test_who_leaves_the_queue_passes_the_news_on() -> None:
    """One may ask at a time; of those who wait many give up, at any moment."""

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.002)
        await Scripted((200, {}, b"x"))(scope, receive, send)

    async def program() -> bytes:
        async with await AsyncContext.from_app(slow, max_connections=1) as context:
            call = Call(url="http://local-tiled-app/api/v1/x")
            for number in range(30):
                tasks = [asyncio.ensure_future(context.run(ask_bytes(call))) for _ in range(5)]
                await asyncio.sleep(0.0005 * number)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            async with asyncio.timeout(20):
                return await context.run(ask_bytes(call))

    assert run(program()) == b"x"


def test_one_failure_ends_what_was_asked_with_it() -> None:
    """And it is raised itself, not in a group."""
    app = Scripted(message({"detail": "no"}, 404))

    async def program() -> None:
        async with await AsyncContext.from_app(app) as context:
            call = Call(url="http://local-tiled-app/api/v1/x")
            await context.run(together(ask_bytes(call) for _ in range(4)))

    with pytest.raises(ClientError, match="404: no"):
        run(program())


def test_who_gives_up_waiting_is_free_at_once() -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/api/v1/":
            await receive()
            await receive()  # until the caller has gone
            return
        await Scripted((200, {}, b"x"))(scope, receive, send)

    async def program() -> None:
        async with await AsyncContext.from_app(silent) as context:
            async with asyncio.timeout(0.1):
                await context.run(ask_bytes(Call(url="http://local-tiled-app/api/v1/x")))

    began = time.monotonic()
    with pytest.raises(TimeoutError):
        run(program())
    assert time.monotonic() - began < 30


def test_an_application_in_this_process_is_read_without_sockets(kernel: Composition) -> None:
    app = build_app(TREE, settings=Settings(single_user_api_key=KEY), composition=kernel)

    async def program() -> float:
        async with await AsyncContext.from_app(app) as context:
            client = await from_context(context)
            return (await (await client["big"]).read()).sum()

    assert run(program()) == BIG.sum()
