"""Catalogs on both databases; PostgreSQL runs for the session, from the binaries of a wheel."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tiled_sql_catalog import revisions
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.store import Store

from tiledkernel.testing.postgresql import running_postgresql

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URI of a server."""
    with running_postgresql() as uri:
        yield uri


@pytest.fixture(scope="session")
def make_uri(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The URI of a new, empty database of a kind."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/catalog.db"
        name = f"test{next(_numbers)}"
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return postgresql.replace("/postgres?", f"/{name}?")

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def uri(kind: str, make_uri: Callable[[str], str]) -> str:
    return make_uri(kind)


@pytest.fixture
def open_store(make_uri: Callable[[str], str]) -> Iterator[Callable[[str], Store]]:
    """New catalogs, closed in the end."""
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> Store:
            database = Database(make_uri(kind))
            stack.callback(database.close)
            revisions.init(database)
            return Store(database)

        yield make


@pytest.fixture
def store(kind: str, open_store: Callable[[str], Store]) -> Store:
    return open_store(kind)


@pytest.fixture(scope="session")
def question_bank() -> Any:
    """The corpora and queries by which the kernel's own tests compare all places where queries are answered."""
    name = "query_tests"
    package = types.ModuleType(name)
    package.__path__ = [str(Path(__file__).parents[3] / "tests" / "nodes")]
    sys.modules[name] = package
    return importlib.import_module(f"{name}.test_queries_differential")
