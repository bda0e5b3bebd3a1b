"""Asking a login: its methods may block, be coroutines, and fail in any way."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from tiled_accounts.principals import MAX_ID
from tiledkernel.access.logins import Identity
from tiledkernel.errors import KernelError, NotReady, Unauthorized

logger = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds that a coroutine of a login may take
ROOM = max(2, min(32, (os.cpu_count() or 1) + 4) // 2)  # calls at a time: half of the threads that requests have


class Calls:
    """Calls methods of logins, from threads; coroutines run on one event loop, on which they may keep connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._room = threading.BoundedSemaphore(ROOM)

    def call(self, provider: str, method: Callable[..., Any], *arguments: Any) -> Any:
        """What the method returns, of somebody who logs in; a slow login does not get all threads.

        NotReady if too many wait for it.
        """
        if not self._room.acquire(blocking=False):
            raise NotReady("many are logging in at the moment: try again")
        try:
            return self.ask(provider, method, *arguments)
        finally:
            self._room.release()

    def ask(self, provider: str, method: Callable[..., Any], *arguments: Any) -> Any:
        """What the method returns.

        What it raises on purpose is raised; anything else becomes NotReady, and a line in the log that names the
        provider and the kind of error, but not its words, in which there may be passwords.
        """
        try:
            found = method(*arguments)
            return self._await(found) if inspect.iscoroutine(found) else found
        except KernelError as error:
            if error.status < 500 or isinstance(error, NotReady):
                raise
            raise self._failed(provider, error) from None
        except Exception as error:  # noqa: BLE001 - a login may raise anything
            raise self._failed(provider, error) from None

    def _failed(self, provider: str, error: Exception) -> NotReady:
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        where = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}" if traceback is not None else "?"
        logger.error("the login %r failed: %s at %s", provider, type(error).__name__, where)
        return NotReady(f"the login {provider!r} cannot be asked at the moment", retry_after=5)

    def _await(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        future = asyncio.run_coroutine_threadsafe(coroutine, self._running())
        try:
            return future.result(PATIENCE)
        finally:
            future.cancel()  # nobody waits any more

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                arguments = (self._loop,)
                self._thread = threading.Thread(target=_run, args=arguments, name="tiled-accounts-logins", daemon=True)
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """End the event loop; a later call starts another one."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def __del__(self) -> None:
        self.close()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def identity_of(found: Any, provider: str) -> Identity:
    """Who has logged in, as a login says it; Unauthorized for nobody."""
    if isinstance(found, str):
        found = Identity(id=found)
    if found is None:
        raise Unauthorized("user name and password do not belong together")
    id_ = getattr(found, "id", None)
    if not isinstance(found, Identity) or not isinstance(id_, str) or not _is_plain(id_):
        logger.error("the login %r returned what is no identity: %s", provider, type(found).__name__)
        raise NotReady(f"the login {provider!r} cannot be asked at the moment", retry_after=5)
    return found


def _is_plain(text: str) -> bool:
    """Whether a database takes a text as an identity."""
    if not text or len(text) > MAX_ID or "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
