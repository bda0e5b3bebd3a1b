"""Tables in DuckDB."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

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
from tiled_sql_tables.databases import BATCH, FIND_TABLE, Gathered, Session, quoted
from tiled_sql_tables.failures import busy, down, full, gone, translated, unfit
from tiledkernel.errors import KernelError

KIND = "DuckDB"
_INTEGERS = {
    pa.int8(): "TINYINT", pa.int16(): "SMALLINT", pa.int32(): "INTEGER", pa.int64(): "BIGINT",
    pa.uint8(): "UTINYINT", pa.uint16(): "USMALLINT", pa.uint32(): "UINTEGER", pa.uint64(): "UBIGINT",
}  # fmt: skip
_MOMENTS = {"s": "TIMESTAMP_S", "ms": "TIMESTAMP_MS", "us": "TIMESTAMP", "ns": "TIMESTAMP_NS"}
_WIDEST = 38  # digits of a decimal
_SETTINGS: dict[str, Any] = {
    "enable_external_access": "false",  # what is in the database is read, and no other file
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "python_enable_replacements": "false",  # no name in a statement is that of a variable
}


def _decimal(kind: Any) -> AtRest:
    if kind.precision > _WIDEST or kind.scale < 0:
        return AtRest("VARCHAR", pa.string())
    return AtRest(f"DECIMAL({kind.precision}, {kind.scale})", pa.decimal128(kind.precision, kind.scale))


def _moment(kind: Any) -> AtRest:
    if not kind.tz:
        return AtRest(_MOMENTS[kind.unit], kind)
    return COUNT if kind.unit == "ns" else AtRest("TIMESTAMPTZ", pa.timestamp("us", "UTC"))


def _list(kind: Any) -> AtRest | None:
    inside = at_rest(kind.value_type, _RULES)
    if inside is None:
        return None
    if types.is_fixed_size_list(kind):
        return AtRest(f"{inside.sql}[{kind.list_size}]", pa.list_(inside.arrow, kind.list_size))
    return AtRest(f"{inside.sql}[]", pa.list_(inside.arrow))


def _struct(kind: Any) -> AtRest | None:
    names = [field.name for field in kind]
    inside = [found for field in kind if (found := at_rest(field.type, _RULES)) is not None]
    if len(inside) < len(names) or len({name.lower() for name in names}) < len(names) or "" in names:
        return None
    parts = list(zip(names, inside, strict=True))
    fields = ", ".join(f"{quoted(name)} {part.sql}" for name, part in parts)
    return AtRest(f"STRUCT({fields})", pa.struct([(name, part.arrow) for name, part in parts]))


def _map(kind: Any) -> AtRest | None:
    key, item = at_rest(kind.key_type, _RULES), at_rest(kind.item_type, _RULES)
    return (
        None if key is None or item is None else AtRest(f"MAP({key.sql}, {item.sql})", pa.map_(key.arrow, item.arrow))
    )


_RULES: tuple[Rule, ...] = (
    (types.is_boolean, AtRest("BOOLEAN", pa.bool_())),
    (types.is_integer, lambda kind: AtRest(_INTEGERS[kind], kind)),
    (is_small_float, AtRest("FLOAT", pa.float32())),
    (types.is_float64, AtRest("DOUBLE", pa.float64())),
    (types.is_decimal, _decimal),
    (is_text, AtRest("VARCHAR", pa.string())),
    (is_bytes, AtRest("BLOB", pa.binary())),
    (types.is_date, AtRest("DATE", pa.date32())),
    (is_time, AtRest("TIME", pa.time64("us"))),
    (types.is_timestamp, _moment),
    (is_countable, COUNT),
    (types.is_map, _map),
    (types.is_struct, _struct),
    (types.is_nested, _list),
)


class DuckdbDatabase:
    """A file, which one process has."""

    kind = KIND
    row_order = "", ""  # an index would slow down what is added; rows are found by where they lie
    find_table = FIND_TABLE
    for_update = ""
    longest_name = 1000

    def __init__(self, path: Path) -> None:
        self._path = path
        self._root: duckdb.DuckDBPyConnection | None = None
        self._opening = threading.Lock()
        self._writer = threading.RLock()  # of two that change one row, DuckDB would refuse the second

    def at_rest(self, kind: Any) -> AtRest | None:
        """How values of an Arrow type rest; None if they cannot."""
        return at_rest(kind, _RULES)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one state of everything, and changes nothing."""
        with self._transaction() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction whose changes are on disk, all or none, when it ends."""
        with self._writer, self._transaction() as session:
            yield session

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with translated((duckdb.Error,), _translate):
            cursor = self._cursor()
            try:
                cursor.begin()
                yield DuckdbSession(cursor)
                cursor.commit()
            except BaseException:
                with suppress(duckdb.Error):  # there may be no transaction any more
                    cursor.rollback()
                raise
            finally:
                cursor.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._opening:
            if self._root is None:
                self._root = duckdb.connect(str(self._path), config=_SETTINGS)
            return self._root.cursor()

    def exclude_makers(self, session: Session) -> None:
        """There is one writer at a time anyway."""

    def close(self) -> None:
        """Let other processes have the file; a later call opens it again."""
        with self._opening:
            if self._root is not None:
                self._root.close()
                self._root = None


class DuckdbSession:
    """A transaction."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement gives; each '?' in it stands for a value."""
        return self._cursor.execute(statement, list(values)).fetchall()

    def add(self, table: str, rows: pa.Table) -> None:
        """Add rows at rest to a table that has columns of their names."""
        names = ", ".join(map(quoted, rows.column_names))
        self._cursor.register("_incoming", rows)
        try:
            self._cursor.execute(f"INSERT INTO {quoted(table)} ({names}) SELECT {names} FROM _incoming")  # noqa: S608 - names are quoted
        finally:
            self._cursor.unregister("_incoming")

    def read(self, statement: str, schema: pa.Schema) -> pa.Table:
        """The rows at rest that a statement without values gives; TooLarge if there are too many."""
        gathered = Gathered(schema)
        reader = self._cursor.sql(statement).to_arrow_reader(BATCH)
        for batch in reader:
            gathered.add(pa.Table.from_batches([batch]).cast(schema))
        return gathered.table()


def _translate(error: Exception) -> KernelError | None:
    text = str(error)
    if isinstance(error, duckdb.TransactionException):
        return busy(KIND)
    if "No space left" in text or "ENOSPC" in text:
        return full(KIND)
    if isinstance(error, duckdb.IOException):
        in_use = "lock" in text.lower()
        return down(KIND, "is in use by another process" if in_use else "cannot be used")
    if isinstance(error, duckdb.CatalogException) and "does not exist" in text:
        return gone(KIND)
    if isinstance(error, duckdb.DataError):
        return unfit(KIND, error)
    return None
