"""The tables of a catalog that Tiled 0.2.20 wrote, read piece by piece; nothing is ever written to them."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct
from sqlalchemy import URL, Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from tiled_sql_catalog.dialects import SQLITE, parse_uri
from tiledkernel.errors import ConfigurationError

REVISION: Final = "917dbbcfc4b1"  # what Tiled 0.2.20 calls the layout of its tables
PIECE = 1000  # rows
_MARK = frozenset({"alembic_version", "nodes", "data_sources", "data_source_asset_association"})


class OldNode(Struct, frozen=True):
    """A row of `nodes`; JSON as text, times in microseconds since 1970."""

    id: int
    parent: int | None
    key: str
    family: str
    metadata: str
    specs: str
    created: int
    updated: int


class OldRevision(Struct, frozen=True):
    """A row of `revisions`."""

    id: int
    node: int
    number: int
    metadata: str
    specs: str
    updated: int


class OldSource(Struct, frozen=True):
    """A row of `data_sources`, with its structure."""

    id: int
    node: int
    media_type: str | None
    parameters: str | None
    properties: str | None
    management: str
    family: str
    structure: str | None


class OldAsset(Struct, frozen=True):
    """A row of `assets`."""

    id: int
    uri: str | None
    is_directory: bool
    size: int | None


class OldCatalog:
    """A catalog of Tiled as it was at one moment, whoever writes to it meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == SQLITE.name
        self.tables = frozenset(inspect(connection).get_table_names())

    def count(self, table: str, where: str = "") -> int:
        """How many rows a table has, or how many of them are such."""
        quoted = self._connection.dialect.identifier_preparer.quote(table)
        return int(self._rows(f"SELECT count(*) FROM {quoted} {where}")[0][0])  # noqa: S608 - names that the database told us

    def nodes(self) -> Iterator[list[OldNode]]:
        """All nodes by their ids, which is the order in which they were made."""
        columns = (
            "id, parent, key, CAST(structure_family AS TEXT), CAST(metadata AS TEXT), CAST(specs AS TEXT), "
            f"{self._moment('time_created')}, {self._moment('time_updated')}"
        )
        for rows in self._pieces(columns, "nodes"):
            yield [OldNode(*[*row[:-2], *map(microseconds, row[-2:])]) for row in rows]

    def revisions(self) -> Iterator[list[OldRevision]]:
        """All revisions."""
        columns = (
            f"id, node_id, revision_number, CAST(metadata AS TEXT), CAST(specs AS TEXT), {self._moment('time_updated')}"
        )
        for rows in self._pieces(columns, "revisions"):
            yield [OldRevision(*[*row[:-1], microseconds(row[-1])]) for row in rows]

    def sources(self) -> Iterator[list[OldSource]]:
        """All data sources."""
        columns = (
            "id, node_id, mimetype, CAST(parameters AS TEXT), CAST(properties AS TEXT), CAST(management AS TEXT), "
            "CAST(structure_family AS TEXT), "
            "(SELECT CAST(structure AS TEXT) FROM structures WHERE structures.id = structure_id)"
        )
        for rows in self._pieces(columns, "data_sources"):
            yield [OldSource(*row) for row in rows]

    def assets(self) -> Iterator[list[OldAsset]]:
        """All assets that some data source needs."""
        needed = "EXISTS (SELECT 1 FROM data_source_asset_association WHERE asset_id = assets.id)"
        for rows in self._pieces("id, data_uri, is_directory, size", "assets", needed):
            yield [OldAsset(row[0], row[1], bool(row[2]), row[3]) for row in rows]

    def associations(self) -> Iterator[list[tuple[int, int, str | None, int | None]]]:
        """All (data source, asset, parameter, number) of assets that have a URI."""
        statement = (
            "SELECT data_source_id, asset_id, parameter, num FROM data_source_asset_association "
            "WHERE (data_source_id, asset_id) > (:source, :asset) "
            "AND EXISTS (SELECT 1 FROM assets WHERE assets.id = asset_id AND data_uri IS NOT NULL) "
            "ORDER BY data_source_id, asset_id LIMIT :size"
        )
        last = {"source": -1, "asset": -1}
        while rows := self._rows(statement, size=PIECE, **last):
            yield [(row[0], row[1], row[2], row[3]) for row in rows]
            last = {"source": rows[-1][0], "asset": rows[-1][1]}

    def tags(self, first: int, last: int) -> dict[int, list[str]]:
        """The access tags of nodes in a range of ids, by the nodes' ids."""
        found: dict[int, list[str]] = {}
        statement = (
            "SELECT node_id, name FROM node_access_tags_association JOIN access_tags ON access_tags.id = tag_id "
            "WHERE node_id BETWEEN :first AND :last ORDER BY node_id, name"
        )
        for node, name in self._rows(statement, first=first, last=last):
            found.setdefault(node, []).append(name)
        return found

    def source_counts(self, first: int, last: int) -> dict[int, int]:
        """How many data sources nodes in a range of ids have."""
        statement = "SELECT node_id, count(*) FROM data_sources WHERE node_id BETWEEN :first AND :last GROUP BY node_id"
        return {row[0]: row[1] for row in self._rows(statement, first=first, last=last)}

    def last_revisions(self, first: int, last: int) -> dict[int, int]:
        """The number of the last revision of nodes in a range of ids."""
        statement = (
            "SELECT node_id, max(revision_number) FROM revisions WHERE node_id BETWEEN :first AND :last "
            "GROUP BY node_id"
        )
        return {row[0]: row[1] for row in self._rows(statement, first=first, last=last)}

    def _pieces(self, columns: str, table: str, condition: str = "1 = 1") -> Iterator[list[Any]]:
        statement = f"SELECT {columns} FROM {table} WHERE id > :last AND {condition} ORDER BY id LIMIT :size"  # noqa: S608 - our own text
        last = -1
        while rows := self._rows(statement, last=last, size=PIECE):
            yield rows
            last = rows[-1][0]

    def _rows(self, statement: str, **values: int) -> list[Any]:
        return list(self._connection.execute(text(statement), values))

    def _moment(self, column: str) -> str:
        """A time as SQLite keeps it, which is a text in UTC; or, from PostgreSQL's own time, in microseconds."""
        if self._is_sqlite:
            return column
        return f"CAST(extract(epoch FROM CAST({column} AS timestamptz)) * 1000000 AS bigint)"


def microseconds(value: object) -> int:
    """A time of either database as microseconds since 1970; 0 if nobody noted it."""
    if isinstance(value, str):
        moment = datetime.datetime.fromisoformat(value)
        since = moment.replace(tzinfo=moment.tzinfo or datetime.UTC) - datetime.datetime.fromtimestamp(0, datetime.UTC)
        return since // datetime.timedelta(microseconds=1)
    return value if isinstance(value, int) else 0


@contextmanager
def opened(uri: str) -> Iterator[OldCatalog]:
    """The catalog in a database; ConfigurationError if there is none that Tiled 0.2.20 wrote."""
    url = parse_uri(uri)
    engine = _engine(url)
    shown = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == SQLITE.name:
                connection.exec_driver_sql("BEGIN")  # all that is read is of one moment
            old = OldCatalog(connection)
            _check(old, connection, shown)
            yield old
    except (DBAPIError, OSError) as error:
        raise ConfigurationError(f"{shown} cannot be read: {_reason(error)}") from error
    finally:
        engine.dispose()


def _reason(error: Exception) -> str:
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def _check(old: OldCatalog, connection: Connection, shown: str) -> None:
    if not old.tables >= _MARK:
        raise ConfigurationError(f"{shown} holds no catalog of Tiled: say where the one to take over is")
    found = [
        str(revision) for revision in connection.execute(text("SELECT version_num FROM alembic_version")).scalars()
    ]
    if found != [REVISION]:
        raise ConfigurationError(
            f"the tables in {shown} are of the layout {', '.join(found) or 'of nobody'}; only that of Tiled 0.2.20 "
            f"({REVISION}) can be taken over: if it is older, make a copy and run `tiled catalog upgrade-database` of "
            "Tiled 0.2.20; if it is newer, upgrade tiled-sql-catalog"
        )


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != SQLITE.name:
        return create_engine(
            url.set(drivername="postgresql+psycopg"), isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        )  # fmt: skip
    path = Path(url.database or "").expanduser()
    if not path.is_file():
        raise ConfigurationError(f"there is no file {str(path)!r}: say where the catalog to take over is")
    where = f"file:{quote(str(path.absolute()))}?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(where, uri=True, isolation_level=None, check_same_thread=False)

    return create_engine("sqlite://", creator=connect)
