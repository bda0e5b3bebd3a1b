"""The way to the database: reading, and writing in whole transactions."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool

from tiled_accounts.schema import changes
from tiled_accounts.uris import is_memory, parse_uri
from tiledkernel.access.settings import DatabaseSettings
from tiledkernel.errors import ConfigurationError, Conflict, KernelError, NotReady, StorageFull

T = TypeVar("T")
ATTEMPTS = 6
BUSY_SECONDS = 10  # that a writer waits for another process
CHANNEL: Final = "tiled_accounts"  # on which nodes that share PostgreSQL hear of changes
_WRITING: Final = {"tiled_writing": True}
_FULL = frozenset({"SQLITE_FULL", "53100"})
_AGAIN = frozenset({"SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", "40001", "40P01", "55P03"})
_DOWN = frozenset({"57P01", "57P02", "57P03", "53300", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY"})


class Database:
    """A database that threads may share: each call has a connection of its own.

    `on_change` is called after each transaction of this process that makes remembered credentials doubtful.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.url = parse_uri(settings.uri or "sqlite://")
        self.in_memory = is_memory(self.url)
        self.on_change: Callable[[], None] = lambda: None
        self.engine = _open(self.url, settings)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        reading: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reading = self.engine.execution_options(**reading)
        self._writing = self.engine.execution_options(**_WRITING)
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from; each statement sees what is committed by then."""
        turn = self._lock if self.in_memory else contextlib.nullcontext()  # there is one connection in memory
        with turn, _translated(), self._reading.connect() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T], *, announce: bool = False) -> T:
        """What `work` returns, once all it did is on disk; nothing is done if it raises.

        It may be called again, if another writer came in between. With `announce` all nodes that share the database
        are told, in the same transaction, to ask it again.
        """
        for attempt in range(ATTEMPTS):
            try:
                result = self._write(work, announce=announce)
            except IntegrityError as error:
                if attempt:  # what it clashed with is visible by now, and `work` had its chance to see it
                    raise Conflict("another request changed the same at the same time: try again") from error
            except DBAPIError as error:
                if _code(error) not in _AGAIN or attempt == ATTEMPTS - 1:
                    raise _understood(error) from error
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - spreads the writers, hides nothing
            except PoolTimeout as error:
                raise _busy() from error
            else:
                if announce:
                    self.on_change()
                return result
        raise _busy()

    def _write(self, work: Callable[[Connection], T], *, announce: bool) -> T:
        turn = self._lock if self.is_sqlite else contextlib.nullcontext()  # SQLite has one writer at a time
        with turn, self._writing.begin() as connection:
            result = work(connection)
            if announce:
                connection.execute(changes.update().values(number=changes.c.number + 1))
                if not self.is_sqlite:
                    connection.execute(select(func.pg_notify(CHANNEL, "")))
            return result

    def close(self) -> None:
        """Close the connections; a later call opens new ones. What is in memory only stays as long as this object."""
        if not self.in_memory:
            self.engine.dispose()

    def __del__(self) -> None:
        if hasattr(self, "engine"):
            self.engine.dispose()

    def __repr__(self) -> str:
        return f"<Database {self.url.render_as_string(hide_password=True)}>"


def _open(url: URL, settings: DatabaseSettings) -> Engine:
    """An engine that hands each connection to one thread at a time."""
    sizes: dict[str, Any] = {"pool_size": settings.pool_size, "max_overflow": settings.max_overflow}
    if url.get_backend_name() == "sqlite":
        arguments = {"check_same_thread": False, "timeout": BUSY_SECONDS}
        pool: dict[str, Any] = {"poolclass": StaticPool} if is_memory(url) else sizes
        engine = create_engine(url, connect_args=arguments, hide_parameters=True, **pool)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(
            url,
            pool_pre_ping=settings.pool_pre_ping,
            pool_recycle=1800,
            hide_parameters=True,  # or else errors, and so logs, would show what was written
            connect_args={"connect_timeout": 10, "prepare_threshold": 1},
            **sizes,
        )
    except ImportError as error:
        raise ConfigurationError("PostgreSQL needs its driver: pip install 'tiled-accounts[postgresql]'") from error


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    del record
    connection.isolation_level = None  # transactions begin where we say so
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # what was acknowledged is on disk
        "foreign_keys=ON",
        "secure_delete=FAST",  # what is purged is not left in free pages
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its lock at once, so that what it reads cannot be outdated when it writes."""
    if connection.get_execution_options().get("tiled_writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _understood(error) from error
    except PoolTimeout as error:
        raise _busy() from error


def _code(error: DBAPIError) -> str:
    """What the database calls an error: an SQLSTATE, or SQLite's name."""
    original = error.orig
    return str(getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or "")


def _busy() -> NotReady:
    return NotReady("the database of accounts is busy: try again in a moment")


def _understood(error: DBAPIError) -> Exception:
    """What a caller can be told of an error of the database; the error itself if it is our mistake."""
    code = _code(error)
    found: KernelError
    if code in _FULL:
        found = StorageFull("the disk of the database of accounts is full: nothing was changed")
    elif code in _AGAIN:
        found = _busy()
    elif error.connection_invalidated or code in _DOWN or code.startswith(("08", "SQLITE_IOERR")) or not code:
        found = NotReady("the database of accounts cannot be reached: try again in a moment", retry_after=5)
    else:
        return error
    return found
