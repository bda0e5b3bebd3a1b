"""Connections that are used by one thread at a time and kept for the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from tiled_sql_tables.failures import busy

C = TypeVar("C")
MOST = 16  # at the same time
PATIENCE = 30.0  # seconds
RESTED = 10.0  # seconds after which a connection may have gone stale


class Pool(Generic[C]):
    """Connections; `is_alive` is asked of one that was not used for a while."""

    def __init__(
        self, kind: str, connect: Callable[[], C], close: Callable[[C], None], is_alive: Callable[[C], bool]
    ) -> None:
        self._kind = kind
        self._connect = connect
        self._close = close
        self._is_alive = is_alive
        self._idle: list[tuple[C, float]] = []
        self._closed = 0  # times
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST)

    @contextmanager
    def connection(self) -> Iterator[C]:
        """One of them; it is not used again if something goes wrong."""
        if not self._room.acquire(timeout=PATIENCE):
            raise busy(self._kind)
        try:
            closed = self._closed
            connection = self._take()
            try:
                yield connection
            except BaseException:
                self._let_go(connection)
                raise
            self._give_back(connection, closed)
        finally:
            self._room.release()

    def _take(self) -> C:
        while True:
            with self._lock:
                connection, since = self._idle.pop() if self._idle else (None, 0.0)
            if connection is None:
                return self._connect()
            if time.monotonic() - since < RESTED or self._is_alive(connection):
                return connection
            self._let_go(connection)

    def _give_back(self, connection: C, closed: int) -> None:
        with self._lock:
            if closed == self._closed:
                self._idle.append((connection, time.monotonic()))
                return
        self._let_go(connection)

    def _let_go(self, connection: C) -> None:
        with suppress(Exception):  # it may be broken in any way
            self._close(connection)

    def close(self) -> None:
        """Close all of them, those that are in use when they are given back; later, new ones are made."""
        with self._lock:
            self._closed += 1
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            self._let_go(connection)
