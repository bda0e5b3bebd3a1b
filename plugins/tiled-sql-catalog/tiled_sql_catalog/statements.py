"""Statements that are asked so often that how they are asked matters."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from sqlalchemy import Select
from sqlalchemy.sql.compiler import SQLCompiler

from tiled_sql_catalog.database import Database

_BATCH = 500


def batches(ids: Iterable[Any]) -> Iterable[list[Any]]:
    """The ids in lists that a statement can hold."""
    rest = iter(ids)
    return iter(lambda: list(islice(rest, _BATCH)), [])


class Statement:
    """A SELECT translated once, and then sent as text with nothing in between; `names` are its parameters."""

    def __init__(self, database: Database, statement: Select[Any], *names: str) -> None:
        self._database = database
        compiled = statement.compile(dialect=database.engine.dialect)
        self._text = str(compiled)
        self._names = names
        self._constants = {name: value for name, value in compiled.params.items() if name not in names}
        self._order = compiled.positiontup if isinstance(compiled, SQLCompiler) else None

    def first(self, *values: Any) -> Any:
        """The first row for these values of the parameters, or None."""
        with self._database.cursor() as cursor:
            cursor.execute(self._text, self._arguments(values))
            return cursor.fetchone()

    def all(self, *values: Any) -> list[Any]:
        """All rows for these values of the parameters."""
        with self._database.cursor() as cursor:
            cursor.execute(self._text, self._arguments(values))
            found: list[Any] = cursor.fetchall()
            return found

    def _arguments(self, values: tuple[Any, ...]) -> Any:
        named = {**self._constants, **dict(zip(self._names, values, strict=True))}
        return named if self._order is None else [named[name] for name in self._order]
