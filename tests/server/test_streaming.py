"""Streams: read as fast as the client takes them, given up when it leaves, bounded in memory."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import numpy as np
import pytest

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.server.responses import PIECE

ROWS, ROW = 64, 1 << 20  # a stream of 64 MiB


class Counted(MemoryArray):
    """An array of many rows that says how many have been read."""

    def __init__(self) -> None:
        super().__init__(np.broadcast_to(np.arange(ROWS, dtype="u1")[:, None], (ROWS, ROW)), chunks=(1, ROW))
        self.in_memory = False
        self.read_rows = 0
        self.threads: set[str] = set()

    def read(self, cut: Any) -> Any:
        self.read_rows += cut.shape[0]
        self.threads.add(threading.current_thread().name)
        return super().read(cut)


class Wire:
    """One request, taken by a client that decides when it goes on and when it leaves."""

    def __init__(self, app: Any, path: str, **headers: str) -> None:
        self.sent: list[dict[str, Any]] = []
        self.may_send = asyncio.Semaphore(0)
        self.gone = asyncio.Event()
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": f"/api/v1/{path}",
            "raw_path": b"",
            "query_string": b"",
            "root_path": "",
            "client": None,
            "server": None,
            "headers": [
                (b"host", b"x"),
                *((name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()),
            ],
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))
        self._asked = False

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if not self.gone.is_set():
            await self.may_send.acquire()
        self.sent.append(message)

    async def take(self, count: int) -> None:
        """Let the server send so many messages, and wait until it cannot go on."""
        for _ in range(count):
            self.may_send.release()
        async with asyncio.timeout(10):
            while self.may_send._value:  # noqa: ASYNC110 - a semaphore has no event for this
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)

    def leave(self) -> None:
        """Close the connection."""
        self.gone.set()
        self.may_send.release()


@pytest.fixture
def node() -> Counted:
    return Counted()


def run(connect, node, scenario) -> Any:
    caller = connect({"a": node})
    return caller._loop.run(scenario(caller.app))


def test_a_stream_is_read_no_faster_than_it_is_taken(connect, node) -> None:
    async def scenario(app) -> None:
        wire = Wire(app, "array/full/a")
        await wire.take(1)
        ahead = node.read_rows
        assert ahead <= 3 * 4
        await wire.take(4)
        assert node.read_rows <= ahead + 2 * 4
        for _ in range(100):
            wire.may_send.release()
        await wire.task
        assert node.read_rows == ROWS
        assert sum(len(message.get("body", b"")) for message in wire.sent) == ROWS * ROW
        assert max(len(message.get("body", b"")) for message in wire.sent) <= PIECE
        assert int(dict(wire.sent[0]["headers"])[b"content-length"]) == ROWS * ROW
        assert wire.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}

    run(connect, node, scenario)


@pytest.mark.parametrize("taken", [0, 1, 6])
def test_reading_stops_when_the_client_leaves(connect, node, taken) -> None:
    async def scenario(app) -> None:
        wire = Wire(app, "array/full/a")
        await wire.take(taken)
        wire.leave()
        async with asyncio.timeout(10):
            await wire.task
        before = node.read_rows
        await asyncio.sleep(0.1)
        assert node.read_rows == before < ROWS

    run(connect, node, scenario)


def test_a_coded_stream_also_stops_when_the_client_leaves(connect, node) -> None:
    async def scenario(app) -> None:
        wire = Wire(app, "array/full/a", accept_encoding="zstd")
        await wire.take(1)
        assert dict(wire.sent[0]["headers"])[b"content-encoding"] == b"zstd"
        wire.leave()
        async with asyncio.timeout(10):
            await wire.task
        assert node.read_rows < ROWS

    run(connect, node, scenario)


def test_a_cancelled_request_leaves_nothing_running(connect, node) -> None:
    async def scenario(app) -> None:
        wire = Wire(app, "array/full/a")
        await wire.take(2)
        wire.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wire.task
        before = node.read_rows
        await asyncio.sleep(0.1)
        assert node.read_rows <= before + 4
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    run(connect, node, scenario)


def test_a_file_is_closed_when_the_client_leaves(files, folder) -> None:
    (folder / "large.bin").write_bytes(bytes(20 << 20))
    caller = files()
    caller._loop.run(_leave_a_file(caller.app))
    gc.collect()  # an open file would warn of itself here, and warnings are errors


async def _leave_a_file(app: Any) -> None:
    async def asked(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"query_string": b"id=1"}, receive, send)

    wire = Wire(asked, "asset/bytes/large")
    await wire.take(3)
    wire.leave()
    async with asyncio.timeout(10):
        await wire.task
    await asyncio.sleep(0.05)
    assert sum(len(message.get("body", b"")) for message in wire.sent) < 20 << 20


def test_many_slow_clients_hold_no_threads(connect) -> None:
    nodes = {f"a{number}": Counted() for number in range(20)}
    caller = connect(nodes | {"small": np.asfortranarray(np.zeros((900, 900)))})

    async def scenario() -> None:
        slow = [Wire(caller.app, f"array/full/{key}") for key in nodes]
        await slow[-1].take(0)
        quick = Wire(caller.app, "array/full/small")
        for _ in range(50):
            quick.may_send.release()
        async with asyncio.timeout(5):
            await quick.task
        assert quick.sent[0]["status"] == 200
        for wire in slow:
            wire.leave()
        await asyncio.gather(*(wire.task for wire in slow))

    caller._loop.run(scenario())


def test_reading_happens_off_the_event_loop(connect, node) -> None:
    run(connect, node, _whole)
    assert node.threads
    assert not {name for name in node.threads if name.startswith("MainThread")}


async def _whole(app: Any) -> None:
    wire = Wire(app, "array/full/a")
    for _ in range(200):
        wire.may_send.release()
    await wire.task


def test_a_large_array_in_memory_is_sent_without_a_copy(connect) -> None:
    array = np.zeros(40 << 20, "u1")
    caller = connect({"a": MemoryArray(array)})
    messages = caller.raw("/api/v1/array/full/a")
    pieces = [message["body"] for message in messages[1:] if message["body"]]
    assert len(pieces) == 40
    assert all(np.shares_memory(np.frombuffer(piece, "u1"), array) for piece in pieces)


@pytest.mark.parametrize(
    "parameters",
    ["", "?select_metadata=color", "?sort=color", "?filter[eq][condition][key]=color&filter[eq][condition][value]=1"],
)
def test_what_a_caller_makes_costly_is_not_done_on_the_event_loop(connect, parameters) -> None:
    seen: set[str] = set()

    class Watched(MemoryArray):
        @property
        def metadata(self):
            seen.add(threading.current_thread().name)
            return {"color": 1}

        @metadata.setter
        def metadata(self, value):
            pass

    connect({"a": Watched([1])}).json(f"search/{parameters}")
    assert ("MainThread" in seen) is (parameters == "")
