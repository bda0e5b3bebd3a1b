"""The layout of the tables: made, checked, changed, and refused if it is unknown."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from tiled_sql_catalog import revisions, schema
from tiled_sql_catalog.database import Database

from tiledkernel.errors import ConfigurationError


@pytest.fixture
def database(uri):
    database = Database(uri)
    yield database
    database.close()


def stamp(database, revision):
    database.write(
        lambda connection: connection.execute(
            text(f"UPDATE {revisions.VERSIONS} SET version_num = :revision"), {"revision": revision}
        )
    )


def test_the_migrations_make_what_the_schema_says(database):
    revisions.init(database)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": revisions.VERSIONS})
        assert compare_metadata(context, schema.metadata) == []


def test_an_empty_database_holds_no_catalog(database):
    assert revisions.current(database) is None
    with pytest.raises(revisions.NotInitialised, match="catalog init"):
        revisions.check(database)


def test_a_second_init_refuses_unless_that_is_allowed(database):
    revisions.init(database)
    with pytest.raises(ConfigurationError, match="if-not-exists"):
        revisions.init(database)
    revisions.init(database, if_not_exists=True)
    assert revisions.current(database) == revisions.head()


def test_a_downgrade_to_the_base_takes_everything_away_and_an_upgrade_makes_it_again(database):
    revisions.init(database)
    revisions.downgrade(database, "base")
    assert revisions.current(database) is None
    revisions.init(database)
    revisions.check(database)


def test_upgrading_what_is_current_changes_nothing(database):
    revisions.init(database)
    revisions.upgrade(database)
    revisions.check(database)


def test_a_layout_of_a_later_version_is_refused_with_the_command_to_run(database):
    revisions.init(database)
    stamp(database, "9999")
    for attempt in (revisions.check, revisions.upgrade, lambda known: revisions.downgrade(known, "base")):
        with pytest.raises(ConfigurationError, match=r"later version.*catalog downgrade"):
            attempt(database)


def test_tables_of_something_else_are_left_alone(database):
    database.write(lambda connection: connection.execute(text("CREATE TABLE nodes (x INTEGER)")))
    with pytest.raises(ConfigurationError, match="something else"):
        revisions.init(database)


@pytest.mark.parametrize("uri", ["mysql://host/name", "postgresql://user:secret@host:port/name"])
def test_what_is_no_uri_of_a_database_is_refused_without_its_password(uri):
    with pytest.raises(ConfigurationError) as caught:
        Database(uri)
    assert "secret" not in str(caught.value)
