"""The layout of the tables: made, checked, changed, and refused if it is unknown."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from tiled_sql_catalog import revisions, schema
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.store import Store

from tiledkernel.errors import ConfigurationError
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.writing import Change


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


LAYOUTS = [script.revision for script in revisions._script().walk_revisions()]


def contents(database):
    """All rows of all tables."""
    with database.reading() as connection:
        return {
            name: sorted(tuple(row) for row in connection.execute(select(table)))
            for name, table in schema.metadata.tables.items()
        }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_downgrade_and_an_upgrade_lose_nothing_that_is_in_the_tables(database, layout):
    revisions.init(database)
    store = Store(database)
    for number, management in enumerate(["external", "writable"]):
        asset = Asset(data_uri=f"file:///{number}", is_directory=False, parameter="data_uri", size=number)
        source = DataSource(structure_family="array", structure={"shape": [1]}, assets=(asset,), management=management)
        node = store.create(store.root(), f"k{number}", family="array", data_sources=[source] * (number + 1))
        store.replace(node, Change(metadata={"n": number}))
    store.create(store.create(store.root(), "plain"), "inner")
    before = contents(database)
    revisions.downgrade(database, layout)
    assert revisions.current(database) == layout
    revisions.upgrade(database)
    assert contents(database) == before
    nodes = store.page(store.search(store.root())).nodes
    assert [node.sources for node in nodes] == [1, 2, 0]
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": revisions.VERSIONS})
        assert compare_metadata(context, schema.metadata) == []


def test_an_older_layout_is_refused_with_the_command_to_run(database):
    revisions.init(database)
    revisions.downgrade(database, "0001")
    with pytest.raises(ConfigurationError, match=r"older layout.*catalog upgrade"):
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
