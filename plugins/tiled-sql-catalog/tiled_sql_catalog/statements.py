"""Statements that are asked so often that how they are asked matters: translated once, and sent as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, CursorResult, Dialect, Select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import UpdateBase

from tiled_sql_catalog.database import Database
from tiled_sql_catalog.dialects import dialect_of

_BATCH = 500


def batches(ids: Iterable[Any]) -> Iterator[list[Any]]:
    """The ids in lists that a statement can hold."""
    rest = iter(ids)
    return iter(lambda: list(islice(rest, _BATCH)), [])


class Translation:
    """The text of a statement in the words of a database; `names` are its parameters."""

    def __init__(self, statement: Select[Any] | UpdateBase, dialect: Dialect, names: tuple[str, ...]) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self._names = names
        self._constants = {name: value for name, value in compiled.params.items() if name not in names}
        self._order = compiled.positiontup if isinstance(compiled, SQLCompiler) else None

    def arguments(self, values: tuple[Any, ...]) -> Any:
        """Values of the parameters as the driver takes them."""
        named = {**self._constants, **dict(zip(self._names, values, strict=True))}
        return named if self._order is None else tuple(named[name] for name in self._order)


class Statement:
    """A SELECT that stands alone, with nothing between us and the driver."""

    def __init__(self, database: Database, statement: Select[Any], *names: str) -> None:
        self._database = database
        self._translation = Translation(statement, database.engine.dialect, names)

    def first(self, *values: Any) -> Any:
        """The first row for these values of the parameters, or None."""
        with self._database.cursor() as cursor:
            cursor.execute(self._translation.text, self._translation.arguments(values))
            return cursor.fetchone()

    def all(self, *values: Any) -> list[Any]:
        """All rows for these values of the parameters."""
        with self._database.cursor() as cursor:
            cursor.execute(self._translation.text, self._translation.arguments(values))
            found: list[Any] = cursor.fetchall()
            return found


class Prepared:
    """A statement inside transactions, on any database."""

    def __init__(self, statement: Select[Any] | UpdateBase, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._translations: dict[str, Translation] = {}

    def __call__(self, connection: Connection, *values: Any) -> CursorResult[Any]:
        """The result for these values of the parameters."""
        known = self.on(connection)
        return connection.exec_driver_sql(known.text, known.arguments(values))

    def on(self, connection: Connection) -> Translation:
        """The statement as this database understands it."""
        name = connection.dialect.name
        if name not in self._translations:
            self._translations[name] = Translation(self._statement, connection.dialect, self._names)
        return self._translations[name]


class Among:
    """The rows that have one of some values in a column, inside transactions."""

    def __init__(self, column: ColumnElement[Any], statement: Select[Any]) -> None:
        self._column = column.name
        self._prepared = Prepared(statement)

    def __call__(self, connection: Connection, values: Iterable[Any]) -> Iterator[Any]:
        """All of them, in no order."""
        dialect, text = dialect_of(connection), self._prepared.on(connection).text
        for batch in batches(values):
            clause, arguments = dialect.among(batch)
            yield from connection.exec_driver_sql(f"{text} WHERE {self._column} {clause}", arguments).all()
