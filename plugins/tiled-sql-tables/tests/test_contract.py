"""The three databases keep the contract of all storages of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
import tiled_sql_tables
from tiled_sql_tables import storage

from tiledkernel.nodes.storing import Location, parse_location
from tiledkernel.testing.table_storages import TableStorageContract

NESTED = frozenset({"lists", "record", "map"})
LISTS = frozenset({"list", "text_list", "pair"})


class SqlContract(TableStorageContract):
    storage = tiled_sql_tables.STORAGE
    appends = True
    kind: ClassVar[str]

    @pytest.fixture
    def location(self, new_uri: Callable[[str], str]) -> Iterator[Location]:
        location = parse_location(new_uri(self.kind))
        yield location
        storage.close(location)

    def files(self, location: Location) -> list[str]:
        tables = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if self.kind == "sqlite"
            else "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        )
        with storage.database_of(location).reading() as session:
            return [name for (name,) in session.run(tables)]


class TestDuckdb(SqlContract):
    kind = "duckdb"


class TestSqlite(SqlContract):
    kind = "sqlite"
    refuses = NESTED | LISTS


class TestPostgresql(SqlContract):
    kind = "postgresql"
    refuses = NESTED
