"""All that differs between SQLite and PostgreSQL."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeAlias

from msgspec import Struct
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from tiledkernel.errors import ConfigurationError

BUSY_SECONDS = 30  # that a writer waits for another process
Row: TypeAlias = tuple[Any, ...]
WRITING: Final = {"tiled_writing": True}
_FULL = frozenset({"SQLITE_FULL", "53100"})
_AGAIN = frozenset({"SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", "40001", "40P01", "55P03"})
_DOWN = frozenset({"57P01", "57P02", "57P03", "53300"})


class PoolSizes(Struct, frozen=True):
    """Connections that stay open, and how many more there may be for a while."""

    size: int = 5
    overflow: int = 10


class Dialect(Struct, frozen=True):
    """What a kind of database needs to be told differently.

    - `one_writer`: whether writers of one process had better wait for each other in the process.
    - `reserve`: ids of a table that rows to be inserted in this transaction may have, in their order.
    - `settle`: let ids count on from the largest one, after rows were given ids that had not been reserved.
    - `load`: insert many rows, given as values of some columns; a clause may say what to do on a conflict.
    - `unload`: delete many rows, given as values of some columns.
    - `among`: the clause that says that a column has one of some values, and its parameters.
    """

    name: str
    one_writer: bool
    reserve: Callable[[Connection, Table, int], Sequence[int]]
    settle: Callable[[Connection, Table], None]
    load: Callable[[Connection, Table, Sequence[str], Sequence[Row], str], None]
    unload: Callable[[Connection, Table, Sequence[str], Sequence[Row]], None]
    among: Callable[[list[Any]], tuple[str, Row]]


def dialect_of(connection: Connection) -> Dialect:
    """The dialect of the database that a connection leads to."""
    return SQLITE if connection.dialect.name == SQLITE.name else POSTGRESQL


def _reserve_in_sqlite(connection: Connection, table: Table, count: int) -> Sequence[int]:
    """What follows the last id there ever was: nobody else writes as long as this transaction lasts."""
    last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar() or 0
    return range(last + 1, last + 1 + count)


def _settle_in_sqlite(connection: Connection, table: Table) -> None:
    """It does so by itself."""


def _load_into_sqlite(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Row], on_conflict: str
) -> None:
    """Many rows with each statement, which takes a third less time than one with each."""
    size = _PARAMETERS // len(names)
    whole = len(rows) - len(rows) % size
    for start in range(0, whole, size):
        values = tuple(chain.from_iterable(rows[start : start + size]))
        connection.exec_driver_sql(_insert(table.name, tuple(names), on_conflict, size), values)
    if whole < len(rows):
        connection.exec_driver_sql(_insert(table.name, tuple(names), on_conflict, 1), list(rows[whole:]))


@lru_cache(maxsize=256)
def _insert(table: str, names: tuple[str, ...], on_conflict: str, size: int) -> str:
    places = f"({', '.join('?' * len(names))})"
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([places] * size)} {on_conflict}"  # noqa: S608 - our own names


def _unload_from_sqlite(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Row]) -> None:
    if rows:
        equal = " AND ".join(f"{name} = ?" for name in names)
        connection.exec_driver_sql(f"DELETE FROM {table.name} WHERE {equal}", list(rows))  # noqa: S608 - our own names


def _among_in_sqlite(values: list[Any]) -> tuple[str, Row]:
    return f"IN ({', '.join('?' * len(values))})", tuple(values)


def _reserve_in_postgresql(connection: Connection, table: Table, count: int) -> Sequence[int]:
    text = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
    return sorted(connection.exec_driver_sql(text, (table.name, count)).scalars())


def _settle_in_postgresql(connection: Connection, table: Table) -> None:
    text = f"SELECT setval(pg_get_serial_sequence(%s, 'id'), max(id)) FROM {table.name}"  # noqa: S608 - our own name
    connection.exec_driver_sql(text, (table.name,))


def _load_into_postgresql(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Row], on_conflict: str
) -> None:
    """All rows of a piece in one statement, column by column."""
    rest = f"SELECT * FROM unnest({_arrays(table, names)}) {on_conflict}"  # noqa: S608 - our own names
    for columns in _columns(rows):
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({', '.join(names)}) {rest}", columns)


def _unload_from_postgresql(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Row]) -> None:
    equal = " AND ".join(f"{table.name}.{name} = gone.{name}" for name in names)
    gone = f"unnest({_arrays(table, names)}) AS gone ({', '.join(names)})"
    text = f"DELETE FROM {table.name} USING {gone} WHERE {equal}"  # noqa: S608 - our own names
    for columns in _columns(rows):
        connection.exec_driver_sql(text, columns)


def _arrays(table: Table, names: Sequence[str]) -> str:
    return ", ".join(f"%b::{_ARRAYS[table.c[name].type.python_type]}[]" for name in names)


def _columns(rows: Sequence[Row]) -> Iterator[tuple[list[Any], ...]]:
    """The columns of the rows, piece by piece."""
    for start in range(0, len(rows), _PIECE):
        yield tuple(list(column) for column in zip(*rows[start : start + _PIECE], strict=True))


def _among_in_postgresql(values: list[Any]) -> tuple[str, Row]:
    return "= ANY(%b)", (values,)


_ARRAYS: Final = {int: "bigint", str: "text", bytes: "bytea", bool: "boolean"}
_PIECE = 10_000  # rows
_PARAMETERS = 800  # of one statement

SQLITE = Dialect(
    "sqlite",
    one_writer=True,
    reserve=_reserve_in_sqlite,
    settle=_settle_in_sqlite,
    load=_load_into_sqlite,
    unload=_unload_from_sqlite,
    among=_among_in_sqlite,
)
POSTGRESQL = Dialect(
    "postgresql",
    one_writer=False,
    reserve=_reserve_in_postgresql,
    settle=_settle_in_postgresql,
    load=_load_into_postgresql,
    unload=_unload_from_postgresql,
    among=_among_in_postgresql,
)


def parse_uri(uri: str) -> URL:
    """The URL of a database for SQLAlchemy: SQLite for a bare path; ConfigurationError if it is neither."""
    if "://" not in uri:
        return URL.create("sqlite", database=str(Path(uri).expanduser()))
    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"{_shown(uri)} is no URI of a database: expected {_EXPECTED}") from None
    kind = url.get_backend_name()
    if kind == "sqlite":
        return url.set(drivername="sqlite")
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise ConfigurationError(f"a catalog cannot be kept in {kind!r}: expected {_EXPECTED}")


_EXPECTED = "'sqlite:////path/to/catalog.db', 'postgresql://user:password@host/name', or the path of a file"


def _shown(uri: str) -> str:
    """A URI for messages, without what may be a password."""
    return repr(uri.partition("://")[0] + "://...")


def shown(url: URL) -> str:
    """A URL for messages, without its password, as a shell takes it."""
    plain = url.set(drivername=url.get_backend_name())
    return shlex.quote(plain.render_as_string(hide_password=True))


def is_memory(url: URL) -> bool:
    """Whether a SQLite database lies in memory alone."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def open_engine(url: URL, pool: PoolSizes) -> tuple[Engine, Dialect]:
    """An engine that hands each connection to one thread at a time."""
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url, pool), SQLITE
    try:
        engine = create_engine(
            url,
            pool_size=pool.size,
            max_overflow=pool.overflow,
            pool_recycle=1800,
            connect_args={"connect_timeout": 10, "prepare_threshold": 1, "options": _options(url)},
        )
    except ImportError as error:
        raise ConfigurationError("PostgreSQL needs its driver: pip install 'tiled-sql-catalog[postgresql]'") from error
    return engine, POSTGRESQL


def _options(url: URL) -> str:
    """Settings of a session: each search is planned for what it asks, since values differ widely in how many have them.

    What the URI itself says comes last, and so counts.
    """
    own = url.query.get("options", "")
    given = own if isinstance(own, str) else " ".join(own)
    return f"-c plan_cache_mode=force_custom_plan -c jit=off {given}".strip()


def _open_sqlite(url: URL, pool: PoolSizes) -> Engine:
    arguments: dict[str, Any] = {"check_same_thread": False, "timeout": BUSY_SECONDS, "cached_statements": 512}
    if is_memory(url):
        engine = create_engine(url, connect_args=arguments, poolclass=StaticPool)
    else:
        engine = create_engine(url, connect_args=arguments, pool_size=pool.size, max_overflow=pool.overflow)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    del record
    connection.isolation_level = None  # transactions begin where we say so
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # what was acknowledged is on disk
        "foreign_keys=ON",
        "cache_size=-65536",
        "wal_autocheckpoint=4000",  # pages
        "mmap_size=1073741824",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its lock at once, so that what it reads cannot be outdated when it writes."""
    if connection.get_execution_options().get("tiled_writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def reading_options(dialect: Dialect) -> Mapping[str, Any]:
    """Execution options of connections that only read: each statement stands alone."""
    return {"isolation_level": "AUTOCOMMIT"} if dialect is POSTGRESQL else {}


def code_of(error: DBAPIError) -> str:
    """What the database calls an error: an SQLSTATE, or SQLite's name."""
    original = error.orig
    return str(getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None) or "")


def is_full(error: DBAPIError) -> bool:
    """Whether the disk has no room left."""
    return code_of(error) in _FULL


def may_try_again(error: DBAPIError) -> bool:
    """Whether a transaction failed for no fault of its own, but because others were at work."""
    return code_of(error) in _AGAIN


def is_down(error: DBAPIError) -> bool:
    """Whether the database cannot be reached."""
    return error.connection_invalidated or code_of(error) in _DOWN or not code_of(error)
