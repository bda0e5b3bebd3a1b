"""The way to a database: reading, and writing in whole transactions."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tiled_sql_catalog.dialects import (
    WRITING,
    PoolSizes,
    is_down,
    is_full,
    is_memory,
    may_try_again,
    open_engine,
    parse_uri,
    reading_options,
)
from tiledkernel.errors import Conflict, KernelError, NotReady, StorageFull

T = TypeVar("T")
ATTEMPTS = 6
_writers: dict[str, threading.RLock] = {}  # by database: SQLite has one writer, whoever opened it


class Database:
    """A database that threads may share: each call has a connection of its own."""

    def __init__(self, uri: str | URL, pool: PoolSizes | None = None) -> None:
        self.url = parse_uri(uri) if isinstance(uri, str) else uri
        self.engine, self.dialect = open_engine(self.url, pool or PoolSizes())
        self._reading = self.engine.execution_options(**reading_options(self.dialect))
        self._writing = self.engine.execution_options(**WRITING)
        self._lock = threading.RLock() if is_memory(self.url) else _writers.setdefault(str(self.url), threading.RLock())
        self._pool = self.engine.pool
        self._driver_error: type[Exception] = self.engine.dialect.loaded_dbapi.Error
        self._alone = is_memory(self.url)  # there is one connection, for reading too
        self.swift = self.dialect.one_writer and not self._alone  # readers of a file never wait, not even for writers

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from; each statement sees what is committed by then."""
        turn = self._lock if self._alone else contextlib.nullcontext()
        with turn, _translated(), self._reading.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def cursor(self) -> Iterator[Any]:
        """A cursor of the driver itself, to read one row of one statement."""
        with self._lock if self._alone else contextlib.nullcontext():
            try:
                connection = self._pool.connect()
                try:
                    with contextlib.closing(connection.cursor()) as cursor:
                        yield cursor
                finally:
                    connection.close()  # rolls back, and goes to the pool
            except PoolTimeout as error:
                raise _busy() from error
            except self._driver_error as error:
                raise _understood(DBAPIError("", None, error)) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once all it did is on disk; nothing is done if it raises.

        It may be called again, if another writer came in between.
        """
        for attempt in range(ATTEMPTS):
            try:
                with self._turn(), self._writing.begin() as connection:
                    return work(connection)
            except IntegrityError as error:
                if attempt:  # what it clashed with is visible by now, and `work` had its chance to say so
                    raise Conflict("another writer changed the same nodes at the same time: try again") from error
            except DBAPIError as error:
                if not may_try_again(error) or attempt == ATTEMPTS - 1:
                    raise _understood(error) from error
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - spreads the writers, hides nothing
            except PoolTimeout as error:
                raise _busy() from error
        raise _busy()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        if self.dialect.one_writer:
            with self._lock:
                yield
        else:
            yield

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self.engine.dispose()
        self._pool = self.engine.pool  # which is a new one by now

    def __repr__(self) -> str:
        return f"<Database {self.url.render_as_string(hide_password=True)}>"


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _understood(error) from error
    except PoolTimeout as error:
        raise _busy() from error


def _busy() -> NotReady:
    return NotReady("the catalog's database is busy: try again in a moment")


def _understood(error: DBAPIError) -> Exception:
    """What a caller can be told of an error of the database; the error itself if it is our mistake."""
    found: KernelError
    if is_full(error):
        found = StorageFull("the disk of the catalog's database is full: nothing was changed")
    elif may_try_again(error):
        found = _busy()
    elif isinstance(error, OperationalError) and is_down(error):
        found = NotReady("the catalog's database cannot be reached: try again in a moment", retry_after=5)
    else:
        return error
    return found
