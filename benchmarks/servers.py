"""Servers as processes of their own, on free loopback ports, and what they cost the machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

HOST = "127.0.0.1"
HERE = Path(__file__).parent
PATIENCE = 120.0  # seconds until a server that does not answer counts as failed


class Watched:
    """What a process has used so far, its children included."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def cpu(self) -> float:
        """User and system seconds."""
        return sum(sum(process.cpu_times()[:2]) for process in self._family())

    def rss(self) -> int:
        """Resident bytes."""
        return sum(process.memory_info().rss for process in self._family())

    def _family(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

    @contextmanager
    def peak_rss(self) -> Iterator[list[int]]:
        """Watch the resident bytes; the list holds the highest number afterwards."""
        peak = [self.rss()]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.005):
                peak[0] = max(peak[0], self.rss())

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield peak
        finally:
            done.set()
            thread.join()


class Server(Watched):
    """A running server and its port."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        super().__init__(process.pid)
        self.port = port

    @property
    def uri(self) -> str:
        """Where clients find it."""
        return f"http://{HOST}:{self.port}"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[str], path: str | None = "/healthz") -> Iterator[Server]:
    """The server that `command` starts; '{port}' in it stands for its port.

    It is ready when `path` answers; if that is None, for a server that does not speak HTTP, when it takes connections.
    """
    port = free_port()
    words = [word.format(port=port) for word in command]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(words, env=environment(), cwd=HERE, stdout=output, stderr=output)
        try:
            wait_until_ready(process, port, path, words, output)
            yield Server(process, port)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def environment() -> dict[str, str]:
    """This environment without anyone's own settings of a server; our modules can be imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TILED")}
    return {**kept, "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "ignore"}


def wait_until_ready(
    process: subprocess.Popen[bytes], port: int, path: str | None, words: Sequence[str], output
) -> None:
    """Return as soon as the server answers; RuntimeError with what it printed if it stops or never does."""
    deadline = time.monotonic() + PATIENCE
    while not answers(port, path):
        if process.poll() is not None or time.monotonic() > deadline:
            output.seek(0)
            said = output.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(words)} does not answer {path or 'anyone'}:\n{said}")
        time.sleep(0.005)


def answers(port: int, path: str | None) -> bool:
    """Whether a request for `path` is answered with 200; or, if that is None, whether anyone is there."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            if path is None:
                return True
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


# The commands. Each server runs with the settings that it has by default.

UVICORN = ("-m", "uvicorn", "--host", HOST, "--port", "{port}", "--log-level", "warning")


def bare(python: str = sys.executable) -> list[str]:
    """An ASGI application of one line behind uvicorn: what any answer costs at least."""
    return [python, *UVICORN, "bare:app"]


def ours(*arguments: str) -> list[str]:
    """`tiledkernel serve ...`."""
    return [sys.executable, "-m", "tiledkernel", "serve", *arguments, "--host", HOST, "--port", "{port}"]


def reference(python: str, *arguments: str) -> list[str]:
    """`tiled serve ...` in an environment of its own."""
    return [python, "-m", "tiled", "serve", *arguments, "--host", HOST, "--port", "{port}"]
