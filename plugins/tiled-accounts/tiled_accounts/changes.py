"""How a process hears that another one has changed what it remembers of the database.

A watch calls `on_change` when something changed, and tells whether it would have heard of a change: if not, nothing
that is remembered may be believed. It is asked for every request, on the event loop, and so takes microseconds.
"""

from __future__ import annotations

import logging
import math
import selectors
import socket
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from tiled_accounts.database import CHANNEL, Database
from tiled_accounts.uris import file_of

logger = logging.getLogger(__name__)

BEAT = 2.0  # seconds after which the listener makes sure that it is still connected
LEASE = 8.0  # seconds for which that counts
PATIENCE = 5.0  # seconds until an attempt to connect is repeated, at most


class Watch(Protocol):
    """Hears of changes."""

    def fresh(self) -> bool:
        """Whether what is remembered may be believed."""

    def close(self) -> None:
        """Let go of what is open; it is opened again when it is asked."""


def watch(database: Database, on_change: Callable[[], None]) -> Watch:
    """The watch for a database."""
    if not database.is_sqlite:
        return Listening(database, on_change)
    path = file_of(database.url)
    return FileWatch(path, on_change) if path is not None else Nobody()


class Nobody:
    """Of a database in the memory of this process: nobody else changes it."""

    def fresh(self) -> bool:
        """Changes of this process are told by whoever makes them."""
        return True

    def close(self) -> None:
        """Nothing is open."""


class FileWatch:
    """Of a file of SQLite: SQLite itself tells, in microseconds, whether anybody has written."""

    def __init__(self, path: Path, on_change: Callable[[], None]) -> None:
        self._path = path
        self._on_change = on_change
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        self._version: Any = None
        self._number: Any = None

    def fresh(self) -> bool:
        """Whether the file could be asked; what it says about others' activities is told from changes."""
        with self._lock:
            try:
                cursor = self._cursor or self._open()
                version = cursor.execute("PRAGMA data_version").fetchone()
                if version != self._version:
                    number = cursor.execute("SELECT number FROM accounts_changes").fetchone()
                    if number != self._number:
                        self._on_change()
                    self._version, self._number = version, number
            except sqlite3.Error:
                self._shut()
                self._on_change()
                return False
            return True

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._shut()

    def _open(self) -> sqlite3.Cursor:
        uri = f"{self._path.absolute().as_uri()}?mode=rw"
        self._connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
        self._cursor = self._connection.cursor()
        return self._cursor

    def _shut(self) -> None:
        self._version = self._number = None
        if self._connection is not None:
            self._connection.close()
            self._connection = self._cursor = None

    def __del__(self) -> None:
        self._shut()


class Listening:
    """Of PostgreSQL: a thread listens, and proves every few seconds that it would hear.

    While it is not connected nothing is believed.
    """

    def __init__(self, database: Database, on_change: Callable[[], None]) -> None:
        self._arguments = database.engine.dialect.create_connect_args(database.url)
        self._on_change = on_change
        self._lock = threading.Lock()
        self._ear: Ear | None = None

    def fresh(self) -> bool:
        """Whether the listener was connected a moment ago; the first question starts it."""
        ear = self._ear
        if ear is None:
            ear = self._start()
        return monotonic() - ear.heard < LEASE

    def close(self) -> None:
        """End the thread."""
        with self._lock:
            ear, self._ear = self._ear, None
        if ear is not None:
            ear.stop()
            self._on_change()

    def _start(self) -> Ear:
        with self._lock:
            if self._ear is None:
                self._ear = Ear(self._arguments, self._on_change)
                threading.Thread(target=self._ear.listen, name="tiled-accounts-listener", daemon=True).start()
            return self._ear

    def __del__(self) -> None:
        if self._ear is not None:
            self._ear.stop()


class Ear:
    """What the listening thread does; it does not know its owner, so that it does not keep that alive."""

    def __init__(self, arguments: Any, on_change: Callable[[], None]) -> None:
        self._positional, self._named = arguments
        self._on_change = on_change
        self._waking, self._woken = socket.socketpair()
        self._ended = threading.Event()
        self.heard = -math.inf

    def listen(self) -> None:
        """Listen until it is stopped, connecting again whenever that is needed."""
        import psycopg  # noqa: PLC0415 - an optional dependency, that whoever has a PostgreSQL engine has

        pause = 0.1
        while not self._ended.is_set():
            try:
                with psycopg.connect(*self._positional, **self._named, autocommit=True) as connection:
                    pause = 0.1
                    self._attend(connection)
            except psycopg.Error as error:
                logger.warning(
                    "the database of accounts is not heard (%s): nothing is remembered", type(error).__name__
                )
            finally:
                self.heard = -math.inf
            self._wait_for([], pause)
            pause = min(2 * pause, PATIENCE)
        self._woken.close()

    def _attend(self, connection: Any) -> None:
        connection.add_notify_handler(lambda _: self._on_change())
        connection.execute(f"LISTEN {CHANNEL}")
        self._on_change()  # whatever happened before
        while not self._ended.is_set():
            asked = monotonic()
            connection.execute("SELECT 1")  # by which notices that have come are handed out, too
            self.heard = asked
            self._wait_for([connection.fileno()], BEAT)

    def _wait_for(self, sockets: Sequence[int], seconds: float) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (*sockets, self._woken.fileno()):
                selector.register(each, selectors.EVENT_READ)
            selector.select(seconds)

    def stop(self) -> None:
        """End soon."""
        self.heard = -math.inf
        self._ended.set()
        self._waking.close()
