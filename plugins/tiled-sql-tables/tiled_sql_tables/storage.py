"""Where tables go that can grow, and the databases that this process has open."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from tiled_sql_tables import MEDIA_TYPE, registers
from tiled_sql_tables.databases import Database
from tiled_sql_tables.names import layout_of, table_name
from tiled_sql_tables.table import SqlTable
from tiledkernel import references
from tiledkernel.errors import Unavailable, Unprocessable
from tiledkernel.families.table.describe import describe_table
from tiledkernel.families.table.drafts import drafted_schema, growing, structure_of
from tiledkernel.nodes.durable import make_folders
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.storing import Keeper, Location

_KINDS = {
    "duckdb": ("duckdb", "tiled_sql_tables.duckdb_database:DuckdbDatabase", "duckdb"),
    "sqlite": ("sqlite3", "tiled_sql_tables.sqlite_database:SqliteDatabase", ""),
    "postgresql": ("psycopg", "tiled_sql_tables.postgresql_database:PostgresqlDatabase", "postgresql"),
}
_open: dict[str, Database] = {}
_opening = threading.Lock()


def create(source: DataSource, location: Location, name: str) -> DataSource:
    """Room for a data set, in a table of the database that is made if it is missing."""
    del name
    structure = structure_of(source)
    schema = growing(drafted_schema(structure))
    unknown = source.parameters.keys() - {"table_name"}
    if unknown:
        raise Unprocessable(
            f"{min(unknown)!r:.80} is no parameter of such a table: expected 'table_name' or nothing",
            "body", "data_sources", "parameters",
        )  # fmt: skip
    database = database_of(location)
    layout = layout_of(schema, database)
    table = table_name(source.parameters.get("table_name"), layout)
    with database.writing() as session:
        dataset = registers.enter(database, session, table, layout)
    return msgspec.structs.replace(
        source,
        structure=describe_table(schema, structure.npartitions),
        mimetype=MEDIA_TYPE,
        parameters={"table_name": table, "dataset_id": dataset},
        assets=(Asset(data_uri=location.public_uri, is_directory=False, parameter="data_uri"),),
    )


def open_table(source: DataSource, location: Location, keeper: Keeper) -> SqlTable:
    """The table, to be read and written."""
    table, dataset = _place(source)
    return SqlTable(database_of(location), table, dataset, structure_of(source), keeper)


def delete(source: DataSource, location: Location) -> None:
    """Remove the rows, and the table with its last data set."""
    _, dataset = _place(source)
    database = database_of(location)
    with database.writing() as session:
        registers.leave(database, session, dataset)


def close(location: Location) -> None:
    """Let go of a database; a later call opens it again."""
    with _opening:
        database = _open.pop(location.uri, None)
    if database is not None:
        database.close()


@atexit.register
def close_all() -> None:
    """Let go of all databases."""
    with _opening:
        databases = [*_open.values()]
        _open.clear()
    for database in databases:
        database.close()


def database_of(location: Location) -> Database:
    """The database that a location names; all who use it share it."""
    with _opening:
        if location.uri not in _open:
            _open[location.uri] = _opened(location)
        return _open[location.uri]


def _opened(location: Location) -> Database:
    module, reference, extra = _KINDS[location.scheme]
    if not references.installed(module):
        raise Unavailable(
            f"tables in {location.scheme} need a library that is not installed: pip install 'tiled-sql-tables[{extra}]'"
        )
    make: Callable[[Any], Database] = references.load(reference)
    if location.scheme == "postgresql":
        return make("postgresql:" + location.uri.partition(":")[2])
    path = _path_of(location)
    make_folders(path.parent)
    return make(path)


def _path_of(location: Location) -> Path:
    """The file of a database, which a URI names as in SQLAlchemy: relative after three slashes, absolute after four."""
    parts = urlsplit(location.uri)
    path = unquote(parts.path).removeprefix("/")
    if parts.netloc not in ("", "localhost") or not path or path.startswith(":"):
        raise Unavailable(
            f"{location.public_uri[:200]!r} names no file that lasts: expected {location.scheme}:////folder/file"
        )
    return Path(path).absolute()


def _place(source: DataSource) -> tuple[str, int]:
    table, dataset = source.parameters.get("table_name"), source.parameters.get("dataset_id")
    if not isinstance(table, str) or not isinstance(dataset, int):
        raise Unavailable("the data source does not say in which table of the database the rows are")
    return table, dataset
