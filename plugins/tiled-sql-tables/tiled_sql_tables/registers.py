"""What is noted in a database besides the rows: which tables are ours, and which data sets lie in them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from hashlib import blake2b

from msgspec import Struct

from tiled_sql_tables.columns import AtRest
from tiled_sql_tables.databases import Database, Session, quoted
from tiled_sql_tables.names import DATASET, PARTITION, ROW, described
from tiledkernel.errors import Conflict

_TABLES = (
    "CREATE TABLE IF NOT EXISTS _tiled_tables (name TEXT NOT NULL, layout TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS _tiled_datasets (
        id BIGINT NOT NULL, table_name TEXT NOT NULL, next_row BIGINT NOT NULL, replaced BIGINT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS _tiled_appends (
        dataset_id BIGINT NOT NULL, token TEXT NOT NULL, moment BIGINT NOT NULL)""",
    "CREATE UNIQUE INDEX IF NOT EXISTS _tiled_datasets_id ON _tiled_datasets (id)",
    "CREATE INDEX IF NOT EXISTS _tiled_appends_token ON _tiled_appends (dataset_id, token)",
)
_REMEMBERED = 86_400  # seconds after which nobody repeats an append any more


class State(Struct, frozen=True):
    """How far a data set has come: the number of its next row, and how often rows of it were replaced."""

    next_row: int
    replaced: int


def enter(database: Database, session: Session, table: str, layout: Mapping[str, AtRest]) -> int:
    """The id of a new data set in a table, which is made if there is none; Conflict if it has other columns."""
    database.exclude_makers(session)
    for statement in _TABLES:
        session.run(statement)
    known = session.run("SELECT layout FROM _tiled_tables WHERE name = ?", table)
    if not known:
        _make(database, session, table, layout)
    elif known[0][0] != described(layout):
        raise Conflict(
            f"the table {table!r} has other columns: choose another name, or none to get a table of these columns"
        )
    dataset = secrets.randbelow((1 << 53) - 1) + 1  # as large as JSON holds exactly; none is ever used again
    session.run("INSERT INTO _tiled_datasets VALUES (?, ?, 0, 0)", dataset, table)
    return dataset


def _make(database: Database, session: Session, table: str, layout: Mapping[str, AtRest]) -> None:
    if session.run(database.find_table, table):
        raise Conflict(f"there is a table {table!r} already, which was not made for uploads: choose another name")
    order, options = database.row_order
    own = (f"{DATASET} BIGINT NOT NULL", f"{PARTITION} INTEGER NOT NULL", f"{ROW} BIGINT NOT NULL")
    columns = (f"{quoted(name)} {column.sql}" for name, column in layout.items())
    declared = ", ".join(filter(None, (*own, *columns, order)))
    session.run(f"CREATE TABLE {quoted(table)} ({declared}) {options}")
    session.run("INSERT INTO _tiled_tables VALUES (?, ?)", table, described(layout))


def state_of(session: Session, dataset: int, suffix: str = "") -> State | None:
    """How far a data set has come; None if there is none."""
    found = session.run(f"SELECT next_row, replaced FROM _tiled_datasets WHERE id = ? {suffix}", dataset)  # noqa: S608 - the suffix is ours
    return State(*found[0]) if found else None


def move_on(session: Session, dataset: int, state: State) -> None:
    """Note how far a data set has come."""
    statement = "UPDATE _tiled_datasets SET next_row = ?, replaced = ? WHERE id = ?"
    session.run(statement, state.next_row, state.replaced, dataset)


def is_repeated(session: Session, dataset: int, key: str) -> bool:
    """Whether rows were added with this key already; if not, they are from now on."""
    token = blake2b(key.encode(), digest_size=16).hexdigest()
    if session.run("SELECT 1 FROM _tiled_appends WHERE dataset_id = ? AND token = ?", dataset, token):
        return True
    now = int(time.time())
    session.run("DELETE FROM _tiled_appends WHERE dataset_id = ? AND moment < ?", dataset, now - _REMEMBERED)
    session.run("INSERT INTO _tiled_appends VALUES (?, ?, ?)", dataset, token, now)
    return False


def leave(database: Database, session: Session, dataset: int) -> None:
    """Remove a data set and its rows, and the table with the last of them; nothing if it is gone."""
    database.exclude_makers(session)
    found = session.run(f"SELECT table_name FROM _tiled_datasets WHERE id = ? {database.for_update}", dataset)  # noqa: S608 - the suffix is ours
    if not found:
        return
    ((table,),) = found
    session.run("DELETE FROM _tiled_appends WHERE dataset_id = ?", dataset)
    session.run("DELETE FROM _tiled_datasets WHERE id = ?", dataset)
    if session.run("SELECT 1 FROM _tiled_datasets WHERE table_name = ? LIMIT 1", table):
        session.run(f"DELETE FROM {quoted(table)} WHERE {DATASET} = {dataset:d}")  # noqa: S608 - names are quoted
    else:
        session.run(f"DROP TABLE {quoted(table)}")
        session.run("DELETE FROM _tiled_tables WHERE name = ?", table)
