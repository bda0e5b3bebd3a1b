"""`tiledkernel catalog`: make, upgrade and downgrade the databases of catalogs."""

from __future__ import annotations

import click
from sqlalchemy import text

from tiled_sql_catalog import revisions
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.dialects import shown
from tiled_sql_catalog.opening import opened
from tiledkernel.cli.refusal import Refusal

DEFAULT = "catalog.db"
NOTHING = "base"  # the revision before the first one

_WHERE = "DB is the path of a file (SQLite), or a URI: sqlite:///..., postgresql://..."


@click.command(epilog=f"{_WHERE} Without it, ./{DEFAULT}.")
@click.argument("database", metavar="[DB]", default=DEFAULT)
@click.option("--if-not-exists", is_flag=True, help="Be content if there is a catalog already.")
def init(database: str, *, if_not_exists: bool) -> None:
    """Make a catalog in a database that holds none."""
    with opened(database, make=True) as found:
        was_there = revisions.current(found) is not None
        revisions.init(found, if_not_exists=if_not_exists)
        done = "holds a catalog already; nothing was changed" if was_there else "holds a new catalog"
        click.echo(f"{shown(found.url)} {done}.", err=True)


@click.command(epilog=_WHERE)
@click.argument("database", metavar="DB")
@click.argument("revision", metavar="[REV]", default="head")
def upgrade(database: str, revision: str) -> None:
    """Bring a catalog to the layout of this version, or up to revision REV.

    Stop the servers that use it, and make a copy before.
    """
    with opened(database) as found:
        before = revisions.current(found)
        revisions.upgrade(found, revision)
        _tell(found, before)


@click.command(epilog=_WHERE)
@click.argument("database", metavar="DB")
@click.argument("revision", metavar="REV")
@click.option("--yes", is_flag=True, help=f"Go back to {NOTHING!r} although that deletes all entries.")
def downgrade(database: str, revision: str, *, yes: bool) -> None:
    """Bring a catalog back to revision REV, for an earlier version of this package.

    Stop the servers that use it, and make a copy before. The revision 'base' is an empty database: the catalog is
    taken away with everything in it.
    """
    with opened(database) as found:
        before = revisions.current(found)
        if revision == NOTHING and not yes and before is not None and _has_entries(found):
            raise Refusal(
                f"{shown(found.url)} has entries, and {NOTHING!r} is the revision without any catalog: this deletes "
                "them all; --yes says that it is meant"
            )
        revisions.downgrade(found, revision)
        _tell(found, before)


def _has_entries(database: Database) -> bool:
    """Whether there are nodes besides the root, whatever the layout of their table."""
    with database.reading() as connection:
        return len(connection.execute(text("SELECT 1 FROM nodes LIMIT 2")).all()) > 1


def _tell(database: Database, before: str | None) -> None:
    after = revisions.current(database)
    where = shown(database.url)
    if after is None:
        click.echo(f"{where} holds no catalog any more.", err=True)
    elif after == before:
        click.echo(f"{where} is at revision {after} already; nothing was changed.", err=True)
    else:
        click.echo(f"{where} went from revision {before} to {after}.", err=True)
