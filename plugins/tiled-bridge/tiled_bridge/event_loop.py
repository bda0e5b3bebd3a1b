"""The event loop on which the coroutines of adapters run: one for the process, in a thread of its own.

Nodes are asked in threads, never on the server's loop, so that one of them can wait here without holding up anybody
else. What an adapter keeps between calls, such as a connection, always meets the same loop; a coroutine that blocks
hurts other adapters at most. The context variables of the waiting thread are those of the coroutine.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterable, Awaitable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from tiledkernel.errors import ConfigurationError, NotReady, ReadFailed

logger = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_VARIABLE = "TILEDKERNEL_BRIDGE_PATIENCE"
DEFAULT_PATIENCE = 300.0  # seconds


class EventLoop:
    """An event loop that other threads give coroutines to."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="tiled-bridge", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closing:
            try:
                self._loop.run_forever()
            except BaseException:  # an adapter's own task that wants to end the process must not end the others
                logger.exception("a task of an adapter raised what no task should")

    def wait_for(self, awaitable: Awaitable[T], patience: float | None = None) -> T:
        """What comes of an awaitable. NotReady, and the work is cancelled, if that takes longer than `patience`."""
        if threading.current_thread() is self._thread:
            _discard(awaitable)
            raise ReadFailed("a coroutine of an adapter waits for another one through the server: await it instead")
        try:
            seconds = _patience() if patience is None else patience
        except ConfigurationError:
            _discard(awaitable)
            raise
        future = self.start(awaitable)
        try:
            return future.result(seconds)
        except TimeoutError as error:
            if future.done() and not future.cancelled():  # the adapter's own, from within
                raise
            future.cancel()
            raise NotReady(f"the adapter has not answered within {seconds:g} seconds: ask again") from error
        except CancelledError as error:
            raise ReadFailed("the adapter was cancelled while it worked") from error
        except BaseException:
            future.cancel()  # nobody waits for it any more
            raise

    def start(self, awaitable: Awaitable[T]) -> Future[T]:
        """Let an awaitable run; its outcome is in the future."""
        return asyncio.run_coroutine_threadsafe(_as_coroutine(awaitable), self._loop)

    def close(self) -> None:
        """Cancel what still runs and end the thread."""
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result(5)
        self._closing = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


_shared: EventLoop | None = None
_sharing = threading.Lock()


def shared_loop() -> EventLoop:
    """The event loop of this process, started when it is first needed."""
    global _shared  # noqa: PLW0603 - adapters keep connections that belong to one loop
    with _sharing:
        if _shared is None:
            _shared = EventLoop()
        return _shared


def _forget() -> None:
    """A forked process has no thread that runs the loop; it starts its own."""
    global _shared, _sharing  # the lock may have been held by a thread that is not here
    _shared, _sharing = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


async def collect(items: AsyncIterable[T]) -> list[T]:
    """All items that an asynchronous generator gives."""
    return [item async for item in items]


def _patience() -> float:
    text = os.environ.get(PATIENCE_VARIABLE)
    try:
        return float(text) if text else DEFAULT_PATIENCE
    except ValueError:
        raise ConfigurationError(f"{PATIENCE_VARIABLE}={text!r} cannot be used: expected seconds") from None


async def _as_coroutine(awaitable: Awaitable[T]) -> T:
    try:
        return await awaitable
    except (SystemExit, KeyboardInterrupt) as error:  # which would end the loop
        raise ReadFailed("the adapter wanted to end the process") from error


def _discard(awaitable: Awaitable[Any]) -> None:
    if isinstance(awaitable, Coroutine):
        awaitable.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
