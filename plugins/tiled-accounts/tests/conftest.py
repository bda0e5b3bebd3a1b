"""Servers with accounts on both databases; PostgreSQL runs for the session, from the binaries of a wheel."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tiledkernel.testing.postgresql import running_postgresql

from .site import Site

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URI of a server."""
    with running_postgresql() as uri:
        yield uri


@pytest.fixture(scope="session")
def make_uri(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The URI of a new, empty database of a kind."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/accounts.db"
        postgresql = request.getfixturevalue("postgresql")
        name = f"accounts{next(_numbers)}"
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{postgresql}&options=-csearch_path%3D{name}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request: pytest.FixtureRequest, make_uri: Callable[[str], str]) -> str:
    return make_uri(request.param)


@pytest.fixture
def open_site() -> Iterator[Callable[..., Site]]:
    """Servers, closed in the end: in memory, unless a URI is given."""
    with contextlib.ExitStack() as stack:

        def make(uri: str | None = None, **settings: Any) -> Site:
            return stack.enter_context(contextlib.closing(Site(uri, **settings)))

        yield make


@pytest.fixture
def site(open_site: Callable[..., Site], uri: str) -> Site:
    """A server with passwords; `root` is an administrator."""
    return open_site(uri, admins=(("toy", "root"),))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting(request: pytest.FixtureRequest, make_uri: Callable[[str], str]) -> Iterator[Site]:
    """A server for all tests of a module that leave nothing behind; `root` is an administrator."""
    with contextlib.closing(Site(make_uri(request.param), admins=(("toy", "root"),))) as site:
        yield site


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass for everybody in this process."""
    moved, real, real_ns = [0.0], time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + moved[0])
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + int(moved[0] * 1e9))

    def wait(seconds: float) -> None:
        moved[0] += seconds

    return wait
