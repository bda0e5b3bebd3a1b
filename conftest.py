"""Servers as people start them: processes of their own, found by what they print; and the reference, as published."""

from __future__ import annotations

import fcntl
import gc
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uv
from hypothesis import settings

# The same examples in every run, so that a change is judged by itself; `HYPOTHESIS_PROFILE=default` looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

REFERENCE = "tiled[all]==0.2.20"


def pytest_configure() -> None:
    """While tests are collected there is nothing to free, and much to look through."""
    gc.disable()


def pytest_collection_finish() -> None:
    """What has been collected stays: it is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.enable()


PATIENCE = 60.0  # seconds until a server counts as hanging
BIN = Path(sys.executable).parent
RUNNING = re.compile(r"running on https?://(?P<address>\S+:\d+)")


def environment(bin_folder: Path = BIN) -> dict[str, str]:
    """The environment of this test run, with the commands of one folder first and without anyone's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TILED", "PYTHON", "VIRTUAL"))}
    return kept | {"PATH": f"{bin_folder}{os.pathsep}{kept['PATH']}", "PYTHONUNBUFFERED": "1"}


@dataclass
class Server:
    """A running server: `address` is host and port, `said` what it has printed so far."""

    process: subprocess.Popen[str]
    address: str = ""
    said: list[str] = field(default_factory=list)
    _found: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Collect what the server prints, until it ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := RUNNING.search(line):
                self.address = found["address"]
                self._found.set()
        self._found.set()

    def wait(self) -> None:
        """Until it answers; fails with what it has said."""
        self._found.wait(PATIENCE)
        if not self.address:
            pytest.fail(f"the server does not run:\n{''.join(self.said)}")

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{self.address}"

    def stop(self) -> None:
        """End it, as Ctrl-C or a service manager does."""
        self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture(scope="session")
def start_server() -> Iterator[Callable[..., Server]]:
    """Run `tiledkernel serve ...` on a free port, or on one: `start_server("serve", "demo", cwd=..., port=...)`."""
    servers: list[Server] = []

    def start(*arguments: str | Path, cwd: Path | None = None, bin_folder: Path = BIN, port: int = 0) -> Server:
        command: Sequence[str | Path] = [bin_folder / "tiledkernel", *arguments, "--port", str(port)]
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=cwd, env=environment(bin_folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        server = Server(process)
        servers.append(server)
        listener = threading.Thread(target=server.listen, daemon=True)
        listener.start()
        server.wait()
        return server

    yield start
    for server in servers:
        server.stop()
        assert server.process.stderr is not None
        server.process.stderr.close()


@pytest.fixture(scope="session")
def reference_python(request: pytest.FixtureRequest) -> Path:
    """A Python that has the reference; made once, by the first process that needs it, and kept in pytest's cache."""
    folder = Path(request.config.cache.mkdir("reference-client"))
    python, complete = folder / "bin" / "python", folder / f"{REFERENCE}.installed"
    with (folder.parent / "reference-client.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            install(folder, python)
            complete.touch()
    return python


def install(folder: Path, python: Path) -> None:
    """Make an environment, and put the reference into it."""
    for command in (
        ["venv", "--clear", "--python", sys.executable, folder],
        ["pip", "install", "--python", python, REFERENCE],
    ):
        done = subprocess.run(  # noqa: S603 - our own command
            [uv.find_uv_bin(), *command], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
