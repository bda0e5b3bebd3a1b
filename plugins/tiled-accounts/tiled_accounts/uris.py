"""The addresses of databases."""

from __future__ import annotations

import shlex
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from tiledkernel.errors import ConfigurationError

_EXPECTED = "'sqlite:////path/to/accounts.db', 'postgresql://user:password@host/name', or the path of a file"


def parse_uri(uri: str) -> URL:
    """The URL of a database for SQLAlchemy: SQLite for a bare path; ConfigurationError if it is neither."""
    if "://" not in uri:
        return URL.create("sqlite", database=str(Path(uri).expanduser()))
    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):  # whose texts hold the password
        said = repr(uri.partition("://")[0] + "://...")
        raise ConfigurationError(f"{said} is no URI of a database: expected {_EXPECTED}") from None
    kind = url.get_backend_name()
    if kind == "sqlite":
        return url.set(drivername="sqlite")
    if kind in ("postgresql", "postgres"):
        return _discreet(url.set(drivername="postgresql+psycopg"))
    raise ConfigurationError(f"accounts cannot be kept in {kind!r}: expected {_EXPECTED}")


def _discreet(url: URL) -> URL:
    """The same with the password where messages leave it out, if it was among the options."""
    if "password" not in url.query:
        return url
    return url.set(password=str(url.query["password"])).difference_update_query(["password"])


def shown(url: URL) -> str:
    """A URL for messages, without its password, as a shell takes it."""
    return shlex.quote(url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True))


def is_memory(url: URL) -> bool:
    """Whether a SQLite database lies in memory alone."""
    if url.get_backend_name() != "sqlite":
        return False
    return (
        url.database in (None, "", ":memory:") or ":memory:" in str(url.database) or url.query.get("mode") == "memory"
    )


def file_of(url: URL) -> Path | None:
    """The file of a database; None if it is none."""
    if url.get_backend_name() != "sqlite" or is_memory(url) or str(url.database).startswith("file:"):
        return None
    return Path(str(url.database))
