"""Threads for what may block, with a hand-over that costs half of what an executor's does.

`concurrent.futures` makes two futures with locks and callbacks for every call; here a call is one tuple in a queue
and one wake-up of the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Job: TypeAlias = "tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]"


class Threads:
    """A few threads that take calls from one queue; started when first needed, and no obstacle to an exit."""

    def __init__(self, count: int | None = None) -> None:
        self._count = count or min(32, (os.cpu_count() or 1) + 4)
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._changing = threading.Lock()
        self._running = 0

    def run(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Call `function` in a thread; to be awaited on the running event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._changing:  # or else threads that are told to end might leave the call behind
            if not self._running:
                self._start()
            self._jobs.put((loop, future, function, arguments))
        return future

    def close(self) -> None:
        """Let the threads end after the calls that are waiting; a later call starts new ones."""
        with self._changing:
            for _ in range(self._running):
                self._jobs.put(None)
            self._running = 0

    def __del__(self) -> None:
        self.close()

    def _start(self) -> None:
        while self._running < self._count:
            self._running += 1
            name = f"tiledkernel-{self._running}"
            threading.Thread(target=_work, args=(self._jobs,), name=name, daemon=True).start()


def _work(jobs: SimpleQueue[Job | None]) -> None:
    """What each thread does; it knows the queue only, so that it does not keep its owner alive."""
    while (job := jobs.get()) is not None:
        loop, future, function, arguments = job
        outcome: Callable[[asyncio.Future[Any], Any], None] = _succeed
        value: Any = None
        if not future.cancelled():
            try:
                value = function(*arguments)
            except StopIteration as error:  # which no future can hold
                outcome, value = _fail, RuntimeError(f"a call ended in StopIteration: {error}")
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the future
                outcome, value = _fail, error
            with contextlib.suppress(RuntimeError):  # the event loop has closed meanwhile: nobody waits any more
                loop.call_soon_threadsafe(outcome, future, value)
        del job, loop, future, function, arguments, value  # hold on to nothing while waiting for the next call


def _succeed(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
