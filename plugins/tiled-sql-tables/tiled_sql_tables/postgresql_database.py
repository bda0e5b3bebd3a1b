"""Tables in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import errors

from tiled_sql_tables.columns import (
    COUNT,
    AtRest,
    Rule,
    at_rest,
    is_bytes,
    is_countable,
    is_small_float,
    is_text,
    is_time,
    types,
)
from tiled_sql_tables.databases import BATCH, FIND_TABLE, Gathered, Session, python_values, quoted
from tiled_sql_tables.failures import busy, down, full, gone, translated, unfit
from tiled_sql_tables.pool import Pool
from tiledkernel.errors import KernelError, Unprocessable
from tiledkernel.families.table.fitting import misfit

KIND = "PostgreSQL"
_MAKERS = 0x7465_6B74  # the advisory lock of those who make or remove tables
_WIDER = {pa.int8(): pa.int16(), pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}
_INTEGERS = {pa.int16(): "SMALLINT", pa.int32(): "INTEGER", pa.int64(): "BIGINT"}
_WIDEST = 38  # digits of a decimal of 128 bits


def _integer(kind: Any) -> AtRest:
    wide = _WIDER.get(kind, kind)
    return AtRest(_INTEGERS[wide], wide)


def _decimal(kind: Any) -> AtRest:
    make = pa.decimal256 if kind.precision > _WIDEST else pa.decimal128
    return (
        AtRest("TEXT", pa.string())
        if kind.scale < 0
        else AtRest(f"NUMERIC({kind.precision}, {kind.scale})", make(kind.precision, kind.scale))
    )


def _moment(kind: Any) -> AtRest:
    if kind.unit == "ns":
        return COUNT
    return AtRest("TIMESTAMPTZ", pa.timestamp("us", "UTC")) if kind.tz else AtRest("TIMESTAMP", pa.timestamp("us"))


def _list(kind: Any) -> AtRest | None:
    """Lists of lists would all have to be of one length."""
    inside = None if types.is_nested(kind.value_type) else at_rest(kind.value_type, _RULES)
    return None if inside is None else AtRest(f"{inside.sql}[]", pa.list_(inside.arrow))


def _is_list(kind: Any) -> bool:
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


_RULES: tuple[Rule, ...] = (
    (types.is_boolean, AtRest("BOOLEAN", pa.bool_())),
    (types.is_uint64, AtRest("NUMERIC(20, 0)", pa.decimal128(20, 0))),
    (types.is_integer, _integer),
    (is_small_float, AtRest("REAL", pa.float32())),
    (types.is_float64, AtRest("DOUBLE PRECISION", pa.float64())),
    (types.is_decimal, _decimal),
    (is_text, AtRest("TEXT", pa.string())),
    (is_bytes, AtRest("BYTEA", pa.binary())),
    (types.is_date, AtRest("DATE", pa.date32())),
    (is_time, AtRest("TIME", pa.time64("us"))),
    (types.is_timestamp, _moment),
    (is_countable, COUNT),
    (_is_list, _list),
)


class PostgresqlDatabase:
    """A database of a server, which several nodes share."""

    kind = KIND
    row_order = "PRIMARY KEY (_dataset_id, _partition_id, _row)", ""
    find_table = FIND_TABLE
    for_update = "FOR UPDATE"
    longest_name = 63

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._pool = Pool(KIND, self._connect, psycopg.Connection.close, _is_alive)

    def at_rest(self, kind: Any) -> AtRest | None:
        """How values of an Arrow type rest; None if they cannot."""
        return at_rest(kind, _RULES)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._uri, autocommit=True, connect_timeout=10)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one state of everything, and changes nothing."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction whose changes are on disk, all or none, when it ends."""
        with self._transaction("BEGIN") as session:
            yield session

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Session]:
        with translated((psycopg.Error,), _translate), self._pool.connection() as connection:
            connection.execute(begin)
            try:
                yield PostgresqlSession(connection)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):  # the connection may be broken
                    connection.execute("ROLLBACK")
                raise

    def exclude_makers(self, session: Session) -> None:
        """Let nobody else make or remove tables until the transaction ends."""
        session.run("SELECT pg_advisory_xact_lock(?)", _MAKERS)

    def close(self) -> None:
        """Let go of all connections; a later call opens new ones."""
        self._pool.close()


class PostgresqlSession:
    """A transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement gives; each '?' in it stands for a value."""
        text = statement.replace("?", "%s") if values else statement
        cursor = self._connection.execute(text, values or None)
        return cursor.fetchall() if cursor.description else []

    def add(self, table: str, rows: pa.Table) -> None:
        """Add rows at rest to a table that has columns of their names."""
        names = ", ".join(map(quoted, rows.column_names))
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT {names} FROM {quoted(table)} LIMIT 0")  # noqa: S608 - names are quoted
            assert cursor.description is not None
            kinds = [column.type_code for column in cursor.description]
            with cursor.copy(f"COPY {quoted(table)} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(kinds)
                for start in range(0, rows.num_rows, BATCH):
                    part = rows.slice(start, BATCH)
                    columns = map(_values, part.column_names, part.columns)
                    for row in zip(*columns, strict=True):
                        copy.write_row(row)

    def read(self, statement: str, schema: pa.Schema) -> pa.Table:
        """The rows at rest that a statement without values gives; TooLarge if there are too many."""
        gathered = Gathered(schema)
        with self._connection.cursor(name="rows", binary=True) as cursor:
            cursor.execute(statement)
            for rows in iter(partial(cursor.fetchmany, BATCH), []):
                gathered.add_tuples(rows)
        return gathered.table()


def _values(name: str, column: Any) -> list[Any]:
    try:
        return python_values(column)
    except (ValueError, OverflowError) as error:
        raise misfit(
            f"{KIND} takes no dates before the year 1 or after 9999, as in the column {name!r}", name
        ) from error


def _is_alive(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def _translate(error: Exception) -> KernelError | None:
    return next((found(error) for kinds, found in _FAILURES if isinstance(error, kinds)), None)


def _no_nul(error: Exception) -> KernelError:
    del error
    return Unprocessable(f"{KIND} takes no texts with the sign NUL in them: store these as bytes", "body")


# What goes wrong, and what is said of it; the first that fits decides.
_FAILURES: tuple[tuple[tuple[type[Exception], ...], Callable[[Exception], KernelError]], ...] = (
    ((errors.UndefinedTable,), lambda _: gone(KIND)),
    ((errors.CharacterNotInRepertoire,), _no_nul),
    ((errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable), lambda _: busy(KIND)),
    ((errors.DiskFull, errors.OutOfMemory), lambda _: full(KIND)),
    ((psycopg.DataError,), lambda error: unfit(KIND, error)),
    ((psycopg.OperationalError,), lambda _: down(KIND)),
)
