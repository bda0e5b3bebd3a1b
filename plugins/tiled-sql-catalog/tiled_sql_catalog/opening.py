"""The database that a command is about, and what a person is told when something is wrong with it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import URL, inspect
from sqlalchemy.exc import DBAPIError

from tiled_sql_catalog.database import Database
from tiled_sql_catalog.dialects import is_memory, parse_uri, shown
from tiled_sql_catalog.revisions import VERSIONS
from tiledkernel.cli.refusal import Refusal
from tiledkernel.errors import ConfigurationError, NotReady

_OF_TILED = frozenset({"alembic_version", "data_sources", "nodes"})  # some tables of a catalog that Tiled made


@contextmanager
def opened(uri: str, *, make: bool = False) -> Iterator[Database]:
    """The database, closed in the end; a file that is not there is not made, unless that is wanted."""
    url = _discreet(parse_uri(uri))
    if make:
        _check_folder(url)
    else:
        check_there(url, f"make a catalog: tiledkernel catalog init {shlex.quote(uri)}")
    database = Database(url)
    try:
        yield database
    except ConfigurationError as error:
        raise Refusal(_adoptable(database) or str(error)) from error
    except (DBAPIError, NotReady) as error:
        raise Refusal(f"{shown(url)}: {_reason(error)}") from error
    except CommandError as error:  # of Alembic: there is no such revision, or no way to it
        raise Refusal(f"{shown(url)}: {error}") from error
    finally:
        database.close()


def _discreet(url: URL) -> URL:
    """The same with the password where messages leave it out, if it was among the options."""
    if "password" not in url.query:
        return url
    return url.set(password=str(url.query["password"])).difference_update_query(["password"])


def check_there(url: URL, advice: str) -> None:
    """Refusal if a database would be a file, and that is not there; for to look for it would make it."""
    path = _file_of(url)
    if path is not None and not path.is_file():
        raise Refusal(f"{path}: no such file; {advice}")


def _check_folder(url: URL) -> None:
    path = _file_of(url)
    if path is not None and not path.absolute().parent.is_dir():
        raise Refusal(f"{path}: there is no folder {path.absolute().parent}: make it first")


def _file_of(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or is_memory(url) or str(url.database).startswith("file:"):
        return None
    return Path(str(url.database))


def _adoptable(database: Database) -> str | None:
    """What to do with a catalog that Tiled made; None if it is none."""
    with database.reading() as connection:
        tables = set(inspect(connection).get_table_names())
    if not tables >= _OF_TILED or VERSIONS in tables:
        return None
    old = shown(database.url)
    return (
        f"{old} holds a catalog of Tiled: take it over into a new one with\n\n    tiledkernel catalog adopt {old} NEW"
    )


def _reason(error: DBAPIError | NotReady) -> str:
    """What the database's own driver says."""
    failed = error if isinstance(error, DBAPIError) else error.__cause__
    said = str(failed.orig if isinstance(failed, DBAPIError) else error).strip()
    return said.splitlines()[0] if said else type(error).__name__
