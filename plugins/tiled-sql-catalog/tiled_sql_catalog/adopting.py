"""`tiledkernel catalog adopt`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from tiled_sql_catalog import revisions
from tiled_sql_catalog.adopt import adopt
from tiled_sql_catalog.commands import DEFAULT
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.dialects import parse_uri, shown
from tiled_sql_catalog.opening import check_there, opened
from tiled_sql_catalog.taking import Report
from tiled_sql_catalog.tiled_tables import opened as opened_old
from tiledkernel.cli.refusal import Refusal
from tiledkernel.errors import ConfigurationError

BETWEEN = 5.0  # seconds from one sign of life to the next


class Telling:
    """Tells from time to time how far it is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Say it, unless something was said a moment ago."""
        if time.monotonic() - self._last >= BETWEEN:
            self._last = time.monotonic()
            click.echo(f"{done} of {total} nodes", err=True)


@click.command(
    epilog="OLD and NEW are paths of files (SQLite), or URIs: sqlite:///..., postgresql://... "
    f"Without NEW it is ./{DEFAULT}.",
)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", default=DEFAULT)
@click.option("--plan", is_flag=True, help="Only print what would be taken over; NEW is not touched.")
def adopt_catalog(old: str, new: str, *, plan: bool) -> None:
    """Take over the catalog of Tiled 0.2.20 in the database OLD into a new one.

    OLD is only read, and the bytes of the data stay where they are. What is taken over is printed, and what could not
    be, or not as it was.
    """
    _check_old(old, new)
    if plan:
        click.echo(_rehearsed(old))
        click.echo("Nothing was changed: this was only the plan.", err=True)
        return
    with opened(new, make=True) as database:
        revisions.current(database)  # what is wrong with the new one is told before the old one is read
        click.echo(adopt(old, database, on_progress=Telling()))
        where = shown(database.url)
    click.echo(f"{where} holds the catalog. Serve it with --read for each folder in which its data lie.", err=True)


def _check_old(old: str, new: str) -> None:
    """Refusal if there is nothing to take over; before anything is made."""
    url = parse_uri(old)
    if url == parse_uri(new):
        raise Refusal(f"{shown(url)} cannot be taken over into itself: name a new database")
    check_there(url, "say where the catalog to take over is")
    try:
        with opened_old(old):
            pass
    except ConfigurationError as error:
        raise Refusal(str(error)) from error


def _rehearsed(old: str) -> Report:
    """What would be taken over, found out in a database that nobody keeps."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(str(Path(folder) / "rehearsal.db"))
        try:
            return adopt(old, database, rehearse=True, on_progress=Telling())
        finally:
            database.close()
