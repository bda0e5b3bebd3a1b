"""The command line, called in this process and in processes of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tiledkernel.cli.main import cli
from tiledkernel.config.environment import CONFIG, variables

COMMAND = (sys.executable, "-m", "tiledkernel")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set, and the current directory is empty."""
    for name in [*variables(), CONFIG]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run() -> Callable[..., Result]:
    """`run("config", "check")`: a command in this process."""
    return lambda *arguments: CliRunner().invoke(cli, list(arguments))


class Running:
    """A server in a process of its own; `lines` is what it wrote to stderr so far."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that its workers can be ended with it
        )
        self.lines: list[str] = []
        self.output = ""

    def read_until(self, pattern: str) -> re.Match[str]:
        """The match in the first line that has one."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no {pattern!r} in: " + "\n".join(self.lines))

    def url(self) -> str:
        """Where it listens."""
        return self.read_until(r"Uvicorn running on (http://\S+)")[1]

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """End it; the exit status. Everything that it wrote is in `lines` and `output` then."""
        self.process.send_signal(with_signal)
        return self.wait()

    def wait(self) -> int:
        """The exit status, once it ends."""
        assert self.process.stderr is not None
        assert self.process.stdout is not None
        self.lines.extend(self.process.stderr.read().splitlines())  # `communicate` would miss what is buffered
        self.output = self.process.stdout.read()
        return self.process.wait(timeout=30)

    @property
    def text(self) -> str:
        """What it wrote to stderr."""
        return "\n".join(self.lines)


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """`serve("demo", "--port", "0")`: a server in a process of its own, stopped after the test."""
    started: list[Running] = []

    def start(*arguments: str) -> Running:
        started.append(Running(*arguments))
        return started[-1]

    yield start
    for running in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
        for stream in (running.process.stdout, running.process.stderr):
            if stream is not None:
                stream.close()


def status(url: str, **headers: str) -> int:
    """The status of a GET."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.fixture(name="status")
def _status() -> Callable[..., int]:
    """`status(url, **headers)`: the status of a GET."""
    return status
