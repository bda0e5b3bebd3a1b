"""Which layout the tables of a database have, and how it is changed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, inspect, select

from tiled_accounts import schema
from tiled_accounts.database import Database
from tiled_accounts.uris import file_of, shown
from tiledkernel.errors import ConfigurationError

VERSIONS = "tiled_accounts_revision"
_ONE_AT_A_TIME = 7_212_023_000_417_001  # an advisory lock of PostgreSQL: nodes that start together make tables once


class NotInitialised(ConfigurationError):
    """The database holds no accounts."""


def init(database: Database, *, if_not_exists: bool = False) -> bool:
    """Make the tables in a database without, and tell whether there were none.

    ConfigurationError if there are some, unless that is allowed.
    """
    if (path := file_of(database.url)) is not None:
        _make_private(path)
    if current(database) is not None:
        if if_not_exists:
            check(database)
            return False
        raise ConfigurationError(
            f"{shown(database.url)} holds accounts already: leave it, or use another database; "
            "`--if-not-exists` takes this for done"
        )

    def make(connection: Connection) -> bool:
        if not database.is_sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
        if _revision(connection) is not None:  # by another process, just now
            return False
        if taken := sorted({*inspect(connection).get_table_names()} & {*schema.metadata.tables}):
            raise ConfigurationError(
                f"{shown(database.url)} holds tables of something else ({', '.join(taken)}): use another database"
            )
        command.upgrade(_config(connection), "head")
        return True

    return database.write(make)


def _make_private(path: Path) -> None:
    """A file that nobody else reads, if there is none; SQLite makes the files beside it alike."""
    with contextlib.suppress(OSError):  # it is there, or SQLite itself says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the tables to a later revision."""
    _known(database)
    database.write(lambda connection: command.upgrade(_config(connection), revision))


def downgrade(database: Database, revision: str) -> None:
    """Bring the tables back to an earlier revision; 'base' takes the accounts away."""
    _known(database)
    database.write(lambda connection: command.downgrade(_config(connection), revision))


def current(database: Database) -> str | None:
    """The revision that the tables have; None if there are none."""
    with database.reading() as connection:
        return _revision(connection)


def head() -> str:
    """The revision that this version of the package works with."""
    return _script().get_current_head() or ""


def check(database: Database) -> None:
    """ConfigurationError unless the database holds accounts that this version works with; it says what to do."""
    found = _known(database)
    if found != head():
        raise ConfigurationError(
            f"the accounts in {shown(database.url)} are of an older layout ({found}, expected {head()}): make a copy, "
            f"then run `tiledkernel admin upgrade-database {shown(database.url)}`"
        )


def check_there(database: Database) -> None:
    """As `check`; a file that is not there is not made by looking for it."""
    path = file_of(database.url)
    if path is not None and not path.is_file():
        raise _missing(database)
    check(database)


def _missing(database: Database) -> NotInitialised:
    return NotInitialised(
        f"{shown(database.url)} holds no accounts: run `tiledkernel admin initialize-database {shown(database.url)}`, "
        "or say 'init_if_not_exists: true' under 'database' in the configuration"
    )


def _known(database: Database) -> str:
    found = current(database)
    if found is None:
        raise _missing(database)
    if found not in {revision.revision for revision in _script().walk_revisions()}:
        raise ConfigurationError(
            f"the accounts in {shown(database.url)} were made by a later version (the layout is {found!r}, the latest "
            f"known here {head()!r}): run `pip install --upgrade tiled-accounts`, or with the later version "
            f"`tiledkernel admin downgrade-database {shown(database.url)} {head()}`"
        )
    return found


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSIONS})
    return context.get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "tiled_accounts:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
