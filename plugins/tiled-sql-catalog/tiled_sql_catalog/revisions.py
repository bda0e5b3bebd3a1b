"""Which layout the tables of a database have, and how it is changed."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlalchemy import insert as plain_insert

from tiled_sql_catalog import schema
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.dialects import dialect_of, shown
from tiled_sql_catalog.entries import specs_text
from tiled_sql_catalog.paths import ROOT_PATH
from tiled_sql_catalog.times import now
from tiledkernel.errors import ConfigurationError

VERSIONS = "tiled_catalog_revision"


class NotInitialised(ConfigurationError):
    """The database holds no catalog."""


def init(database: Database, *, if_not_exists: bool = False) -> None:
    """Make a catalog in an empty database; ConfigurationError if there is one, unless that is allowed."""
    if current(database) is not None:
        if if_not_exists:
            check(database)
            return
        raise ConfigurationError(
            f"{shown(database.url)} holds a catalog already: leave it, or use another database; "
            "`--if-not-exists` takes this for done"
        )

    def make(connection: Connection) -> None:
        if _revision(connection) is not None:  # by another process, just now
            return
        if taken := sorted({*inspect(connection).get_table_names()} & {*schema.metadata.tables}):
            raise ConfigurationError(
                f"{shown(database.url)} holds tables of something else ({', '.join(taken)}): use another database"
            )
        command.upgrade(_config(connection), "head")
        _plant(connection)

    database.write(make)


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the tables to a later revision."""
    _known(database)
    database.write(lambda connection: command.upgrade(_config(connection), revision))


def downgrade(database: Database, revision: str) -> None:
    """Bring the tables back to an earlier revision; 'base' takes the catalog away."""
    _known(database)
    database.write(lambda connection: command.downgrade(_config(connection), revision))


def current(database: Database) -> str | None:
    """The revision that the tables have; None if there is no catalog."""
    with database.reading() as connection:
        return _revision(connection)


def head() -> str:
    """The revision that this version of the package works with."""
    return _script().get_current_head() or ""


def check(database: Database) -> None:
    """ConfigurationError unless the database holds a catalog that this version works with; it says what to do."""
    found = _known(database)
    if found != head():
        raise ConfigurationError(
            f"the catalog in {shown(database.url)} is of an older layout ({found}, expected {head()}): make a copy, "
            f"then run `tiledkernel catalog upgrade {shown(database.url)}`"
        )


def _known(database: Database) -> str:
    found = current(database)
    if found is None:
        raise NotInitialised(
            f"{shown(database.url)} holds no catalog: run `tiledkernel catalog init {shown(database.url)}`, or say "
            "'init_if_not_exists: true' in the configuration"
        )
    if found not in {revision.revision for revision in _script().walk_revisions()}:
        raise ConfigurationError(
            f"the catalog in {shown(database.url)} was made by a later version (its layout is {found!r}, the latest "
            f"known here {head()!r}): run `pip install --upgrade tiled-sql-catalog`, or with the later version "
            f"`tiledkernel catalog downgrade {shown(database.url)} {head()}`"
        )
    return found


def _revision(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSIONS})
    return context.get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "tiled_sql_catalog:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _script() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _plant(connection: Connection) -> None:
    """The root, below which everything else is."""
    moment = now()
    dialect_of(connection).reserve(connection, schema.nodes, 1)  # so that nobody else is given this id
    connection.execute(
        plain_insert(schema.nodes).values(
            id=schema.ROOT, parent=None, key="", path=ROOT_PATH, family="container", metadata="{}",
            specs=specs_text([]), children=0, version=1, created=moment, updated=moment,
        )
    )  # fmt: skip
