"""Tables in SQLite."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from tiled_sql_tables.columns import AtRest, Rule, at_rest, is_bytes, is_countable, is_text, types
from tiled_sql_tables.databases import BATCH, Gathered, Session, python_values, quoted
from tiled_sql_tables.failures import busy, down, full, gone, translated, unfit
from tiled_sql_tables.pool import PATIENCE, Pool
from tiledkernel.errors import KernelError

KIND = "SQLite"
compute: Any = pyarrow.compute
_TEXT = AtRest("TEXT", pa.string())
_INTEGER = AtRest("INTEGER", pa.int64())
_RULES: tuple[Rule, ...] = (
    (types.is_uint64, _TEXT),  # integers end at 2**63
    (types.is_integer, _INTEGER),
    (types.is_boolean, _INTEGER),
    (types.is_floating, AtRest("", pa.float64())),  # a column that is declared as REAL forgets the sign of zero
    (types.is_decimal, _TEXT),
    (is_text, _TEXT),
    (is_bytes, AtRest("BLOB", pa.binary())),
    (types.is_date32, AtRest("INTEGER", pa.int32())),
    (types.is_time32, AtRest("INTEGER", pa.int32())),
    (is_countable, _INTEGER),
)
_NAN = "NaN"  # SQLite takes a float that is none for a missing value


class SqliteDatabase:
    """A file, which several processes may share."""

    kind = KIND
    row_order = "PRIMARY KEY (_dataset_id, _partition_id, _row)", "WITHOUT ROWID"
    find_table = "SELECT 1 FROM sqlite_master WHERE lower(name) = ?"
    for_update = ""
    longest_name = 1000

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = Pool(KIND, self._connect, sqlite3.Connection.close, _stays_alive)
        self._writer = threading.RLock()  # so that threads take turns, rather than ask again and again

    def at_rest(self, kind: Any) -> AtRest | None:
        """How values of an Arrow type rest; None if they cannot."""
        return at_rest(kind, _RULES)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # what is committed is on disk
        return connection

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one state of everything, and changes nothing."""
        with self._transaction("BEGIN DEFERRED") as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction whose changes are on disk, all or none, when it ends."""
        with self._writer, self._transaction("BEGIN IMMEDIATE") as session:
            yield session

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Session]:
        with translated((sqlite3.Error,), _translate), self._pool.connection() as connection:
            connection.execute(begin)
            try:
                yield SqliteSession(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def exclude_makers(self, session: Session) -> None:
        """There is one writer at a time anyway."""

    def close(self) -> None:
        """Let go of all connections; a later call opens new ones."""
        self._pool.close()


def _stays_alive(connection: sqlite3.Connection) -> bool:
    del connection
    return True


class SqliteSession:
    """A transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement gives; each '?' in it stands for a value."""
        return self._connection.execute(statement, values).fetchall()

    def add(self, table: str, rows: pa.Table) -> None:
        """Add rows at rest to a table that has columns of their names."""
        names = ", ".join(map(quoted, rows.column_names))
        marks = ", ".join("?" * rows.num_columns)
        statement = f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})"  # noqa: S608 - names are quoted
        for start in range(0, rows.num_rows, BATCH):
            columns = map(_values, rows.slice(start, BATCH).columns)
            self._connection.executemany(statement, zip(*columns, strict=True))

    def read(self, statement: str, schema: pa.Schema) -> pa.Table:
        """The rows at rest that a statement without values gives; TooLarge if there are too many."""
        gathered = Gathered(schema)
        floats = [types.is_floating(kind) for kind in schema.types]
        cursor = self._connection.execute(statement)
        for rows in iter(partial(cursor.fetchmany, BATCH), []):
            columns = zip(*rows, strict=True)
            gathered.add_columns(
                [_with_nans(c) if is_float else c for c, is_float in zip(columns, floats, strict=True)]
            )
        return gathered.table()


def _values(column: Any) -> list[Any]:
    values = python_values(column)
    if types.is_floating(column.type) and compute.any(compute.is_nan(column)).as_py():
        return [_NAN if value != value else value for value in values]  # noqa: PLR0124 - only NaN differs from itself
    return values


def _with_nans(values: Sequence[Any]) -> Sequence[Any]:
    return [float(value) if value == _NAN else value for value in values] if _NAN in values else values


def _translate(error: Exception) -> KernelError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return busy(KIND)
    if code == sqlite3.SQLITE_FULL:
        return full(KIND)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY):
        return down(KIND, f"cannot be used ({error})")
    if code == sqlite3.SQLITE_ERROR and str(error).startswith("no such table"):
        return gone(KIND)
    if code == sqlite3.SQLITE_TOOBIG or isinstance(error, sqlite3.DataError):
        return unfit(KIND, error)
    return None
