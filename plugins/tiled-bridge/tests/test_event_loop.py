"""Coroutines of adapters: one loop, no deadlock, and an end to waiting."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time

import pytest
from tiled_bridge.calls import settle
from tiled_bridge.event_loop import DEFAULT_PATIENCE, PATIENCE_VARIABLE, EventLoop, shared_loop

from tiledkernel.errors import ConfigurationError, NotReady, ReadFailed


@pytest.fixture
def loop():
    made = EventLoop()
    yield made
    made.close()


async def later(function):
    """Call a function on the loop of the adapters."""
    function()


async def where():
    await asyncio.sleep(0)
    return threading.current_thread().name, id(asyncio.get_running_loop())


def test_all_coroutines_run_on_one_loop_in_a_thread_of_its_own():
    assert settle(where()) == settle(where()) != settle(threading.current_thread().name)
    assert settle(where())[0] == "tiled-bridge"


def test_what_is_no_promise_is_left_as_it_is():
    assert settle([1, 2]) == [1, 2]


def test_an_asynchronous_generator_is_collected():
    async def keys():
        yield "a"
        yield "b"

    assert settle(keys()) == ["a", "b"]


def test_context_variables_of_the_caller_are_seen():
    who = contextvars.ContextVar("who", default="nobody")
    who.set("me")

    async def ask():
        return who.get()

    assert settle(ask()) == "me"


def test_many_threads_wait_at_once():
    together = []

    barrier = asyncio.Barrier(8)

    async def meet():
        await barrier.wait()
        return "met"

    threads = [threading.Thread(target=lambda: together.append(settle(meet()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert together == ["met"] * 8


def test_an_adapter_that_never_answers_is_given_up_and_cancelled(loop):
    ended = []

    async def hang():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("cancelled")

    with pytest.raises(NotReady, match=r"has not answered within 0\.05 seconds"):
        loop.wait_for(hang(), 0.05)
    loop.wait_for(asyncio.sleep(0))
    assert ended == ["cancelled"]


def test_a_timeout_of_the_adapters_own_is_its_error(loop):
    async def fail():
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        loop.wait_for(fail())


def test_an_adapter_that_cancels_itself_is_told(loop):
    async def leave():
        raise asyncio.CancelledError

    with pytest.raises(ReadFailed, match="cancelled"):
        loop.wait_for(leave())


def test_a_coroutine_that_would_wait_for_itself_is_refused(loop):
    async def outer():
        return loop.wait_for(where())

    with pytest.raises(ReadFailed, match="await it instead"):
        loop.wait_for(outer(), 5)


def test_the_loop_outlives_a_task_that_wants_to_end_the_process(loop, caplog):
    async def leave():
        raise SystemExit(1)

    async def start():
        asyncio.get_running_loop().create_task(leave())

    with pytest.raises(ReadFailed):
        loop.wait_for(leave())
    loop.wait_for(start())
    assert loop.wait_for(where(), 10)[0] == "tiled-bridge"
    assert "a task of an adapter raised what no task should" in caplog.text


def test_a_patience_that_is_no_number_is_told(monkeypatch, loop):
    monkeypatch.setenv(PATIENCE_VARIABLE, "long")
    with pytest.raises(ConfigurationError, match="TILEDKERNEL_BRIDGE_PATIENCE='long' cannot be used"):
        loop.wait_for(where())


def test_the_patience_can_be_configured(monkeypatch):
    monkeypatch.setenv(PATIENCE_VARIABLE, "0.01")
    with pytest.raises(NotReady):
        shared_loop().wait_for(asyncio.sleep(60))
    assert DEFAULT_PATIENCE > 60


def test_the_server_answers_others_while_an_adapter_waits(serve, ask, site):
    arrived, leave = threading.Event(), asyncio.Event()

    class Slow(site.Image):
        async def read(self, index=()):
            arrived.set()
            await leave.wait()
            return self.array[index]

    client = serve({"slow": Slow(), "quick": site.promising(site.Image())})
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(ask(client, "array/full/slow").status_code))
    waiting.start()
    assert arrived.wait(10)
    begun = time.monotonic()
    assert ask(client, "array/full/quick").status_code == 200
    assert time.monotonic() - begun < 5
    assert answers == []
    settle(later(leave.set))
    waiting.join(10)
    assert answers == [200]
