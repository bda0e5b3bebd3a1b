"""What is asked of a database, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa

from tiled_sql_tables.columns import AtRest
from tiledkernel.errors import TooLarge

MAX_READ = 1 << 30  # bytes of rows that are read at once
BATCH = 50_000  # rows that are fetched at a time


class Session(Protocol):
    """A transaction."""

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement gives; each '?' in it stands for a value."""

    def add(self, table: str, rows: pa.Table) -> None:
        """Add rows at rest to a table that has columns of their names."""

    def read(self, statement: str, schema: pa.Schema) -> pa.Table:
        """The rows at rest that a statement without values gives; TooLarge if there are too many."""


class Database(Protocol):
    """A database that threads share.

    - `kind`: its name in messages.
    - `row_order`: what to declare in a table, and what to declare it with, so that rows are found in their order.
    - `find_table`: the statement that gives a row if there is a table of a name, in lower case.
    - `for_update`: what to append to a SELECT of a row that is about to be changed.
    - `longest_name`: of a column, in bytes.
    """

    kind: str
    row_order: tuple[str, str]
    find_table: str
    for_update: str
    longest_name: int

    def at_rest(self, kind: Any) -> AtRest | None:
        """How values of an Arrow type rest; None if they cannot."""

    def reading(self) -> AbstractContextManager[Session]:
        """A transaction that sees one state of everything, and changes nothing."""

    def writing(self) -> AbstractContextManager[Session]:
        """A transaction whose changes are on disk, all or none, when it ends."""

    def exclude_makers(self, session: Session) -> None:
        """Let nobody else make or remove tables until the transaction ends."""

    def close(self) -> None:
        """Let go of all connections; a later call opens new ones."""


FIND_TABLE = "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?"


def python_values(column: Any) -> list[Any]:
    """The values of a column as drivers take them; numbers without gaps go by the shortest way."""
    kind = column.type
    if not column.null_count and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        found: list[Any] = column.to_numpy().tolist()
    else:
        found = column.to_pylist()
    return found


def quoted(name: str) -> str:
    """A name of a table or column, as all these databases write it."""
    return '"' + name.replace('"', '""') + '"'


class Gathered:
    """Rows that are put together as they come; TooLarge when they are too many."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._tables: list[pa.Table] = []
        self._nbytes = 0

    def add(self, rows: pa.Table) -> None:
        """Take some more."""
        self._nbytes += rows.nbytes
        if self._nbytes > MAX_READ:
            raise TooLarge(
                f"these rows are more than the {MAX_READ:_} bytes that are read at once: name fewer columns; and next "
                "time, divide such a table into partitions"
            )
        self._tables.append(rows)

    def add_tuples(self, rows: list[tuple[Any, ...]]) -> None:
        """Take some more, at least one, as drivers give them."""
        self.add_columns([*zip(*rows, strict=True)])

    def add_columns(self, columns: Sequence[Sequence[Any]]) -> None:
        """Take some more, by columns."""
        arrays = [pa.array(values, kind) for values, kind in zip(columns, self._schema.types, strict=True)]
        self.add(pa.Table.from_arrays(arrays, schema=self._schema))

    def table(self) -> pa.Table:
        """All of them."""
        return pa.concat_tables(self._tables) if self._tables else self._schema.empty_table()
