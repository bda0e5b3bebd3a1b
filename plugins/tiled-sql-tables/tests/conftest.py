"""A server of PostgreSQL for the session, and empty databases of each kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tiledkernel.testing.postgresql import running_postgresql

PASSWORD = "open sesame"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with running_postgresql() as uri:
        yield uri.replace("postgres@", f"postgres:{quote(PASSWORD)}@")


@pytest.fixture
def new_uri(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """The URI of a new, empty database of a kind; of PostgreSQL, a schema of its own in a database."""

    def make(kind: str) -> str:
        if kind != "postgresql":
            return f"{kind}:///{tmp_path}/stored/tables.{kind}"
        schema, server = f"tables{next(_numbers)}", request.getfixturevalue("postgresql")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        return f"{server}&options={quote(f'-c search_path={schema}')}"

    return make
