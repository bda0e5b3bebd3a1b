"""`tiledkernel admin initialize-database` and the like: make, upgrade and downgrade the databases of accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic.util import CommandError
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from tiled_accounts import revisions
from tiled_accounts.database import Database
from tiled_accounts.schema import principals
from tiled_accounts.uris import file_of, is_memory, parse_uri, shown
from tiledkernel.access.settings import DatabaseSettings
from tiledkernel.cli.refusal import Refusal
from tiledkernel.errors import ConfigurationError, NotReady

NOTHING = "base"  # the revision before the first one
_WHERE = "URI is sqlite:///..., postgresql://..., or the path of a file (SQLite)."


@click.command(epilog=_WHERE)
@click.argument("uri")
@click.option("--if-not-exists", is_flag=True, help="Be content if there are accounts already.")
def initialize(uri: str, *, if_not_exists: bool) -> None:
    """Make room for accounts in a database that holds none."""
    with _opened(uri, make=True) as database:
        made = revisions.init(database, if_not_exists=if_not_exists)
        done = "is ready for accounts" if made else "holds accounts already; nothing was changed"
        click.echo(f"{shown(database.url)} {done}.", err=True)


@click.command(epilog=_WHERE)
@click.argument("uri")
@click.argument("revision", metavar="[REV]", default="head")
def upgrade(uri: str, revision: str) -> None:
    """Bring accounts to the layout of this version, or up to revision REV.

    Stop the servers that use them, and make a copy before.
    """
    with _opened(uri) as database:
        before = revisions.current(database)
        revisions.upgrade(database, revision)
        _tell(database, before)


@click.command(epilog=_WHERE)
@click.argument("uri")
@click.argument("revision", metavar="REV")
@click.option("--yes", is_flag=True, help=f"Go back to {NOTHING!r} although that deletes all accounts.")
def downgrade(uri: str, revision: str, *, yes: bool) -> None:
    """Bring accounts back to revision REV, for an earlier version of this package.

    Stop the servers that use them, and make a copy before. The revision 'base' is an empty database: all accounts
    are taken away.
    """
    with _opened(uri) as database:
        before = revisions.current(database)
        if revision == NOTHING and not yes and before is not None and _has_accounts(database):
            raise Refusal(
                f"{shown(database.url)} has accounts, and {NOTHING!r} is the revision without any: this deletes them "
                "all; --yes says that it is meant"
            )
        revisions.downgrade(database, revision)
        _tell(database, before)


@contextmanager
def _opened(uri: str, *, make: bool = False) -> Iterator[Database]:
    """The database, closed in the end; a file that is not there is not made, unless that is wanted."""
    url = parse_uri(uri)
    path = file_of(url)
    if is_memory(url):
        raise Refusal("a database in memory is gone when this command ends: name a file")
    if path is not None and not make and not path.is_file():
        raise Refusal(f"{path}: no such file; make one: tiledkernel admin initialize-database {shown(url)}")
    if path is not None and not path.absolute().parent.is_dir():
        raise Refusal(f"{path}: there is no folder {path.absolute().parent}: make it first")
    database = Database(DatabaseSettings(uri=uri))
    try:
        yield database
    except ConfigurationError as error:
        raise Refusal(str(error)) from error
    except (DBAPIError, NotReady) as error:
        raise Refusal(f"{shown(url)}: {_reason(error)}") from error
    except CommandError as error:  # of Alembic: there is no such revision, or no way to it
        raise Refusal(f"{shown(url)}: {error}") from error
    finally:
        database.close()


def _has_accounts(database: Database) -> bool:
    with database.reading() as connection:
        return connection.execute(select(principals.c.id).limit(1)).first() is not None


def _reason(error: DBAPIError | NotReady) -> str:
    """What the database's own driver says."""
    failed = error if isinstance(error, DBAPIError) else error.__cause__
    said = str(failed.orig if isinstance(failed, DBAPIError) else error).strip()
    return said.splitlines()[0] if said else type(error).__name__


def _tell(database: Database, before: str | None) -> None:
    after = revisions.current(database)
    where = shown(database.url)
    if after is None:
        click.echo(f"{where} holds no accounts any more.", err=True)
    elif after == before:
        click.echo(f"{where} is at revision {after} already; nothing was changed.", err=True)
    else:
        click.echo(f"{where} went from revision {before} to {after}.", err=True)
