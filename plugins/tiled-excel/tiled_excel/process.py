"""Asking the process that reads workbooks, and starting it anew when it has ended."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tiledkernel.errors import NotReady, ReadFailed, Unavailable
from tiledkernel.nodes.stamps import Stamp

DEADLINE = 60.0  # seconds for one answer
MEMORY = 2 << 30  # bytes for one workbook
_COMMAND = (sys.executable, "-P", "-m", "tiled_excel.worker")
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # others reserve addresses, which are what is limited
    "RUST_BACKTRACE": "0",  # takes seconds, and nobody sees it
}


class Sheet(Struct, frozen=True):
    """A sheet of a workbook; one that is `hidden` is not shown by the program that wrote it."""

    index: int
    name: str
    hidden: bool


class Helper:
    """One process for all threads, which wait for one another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def sheets(self, path: Path, stamp: Stamp) -> list[Sheet]:
        """The sheets of a workbook."""
        return msgspec.json.decode(self._ask(path, stamp, None), type=list[Sheet])

    def table(self, path: Path, stamp: Stamp, sheet: int) -> bytes:
        """A sheet as an Arrow stream."""
        return self._ask(path, stamp, sheet)

    def _ask(self, path: Path, stamp: Stamp, sheet: int | None) -> bytes:
        request = json.dumps({"path": str(path), "stamp": stamp, "sheet": sheet}).encode() + b"\n"
        with self._lock:
            used = self._is_running()
            answer = self._exchange(request, path.name)
            if answer is None and used:  # it ended while idle, or for what it had read before
                answer = self._exchange(request, path.name)
        if answer is None:
            raise Unavailable(
                f"{path.name!r} cannot be read: it needs too much memory, or is damaged in a way that ends the process "
                "that reads it; clear cells that lie far away from the others, or save it as CSV"
            )
        head, body = answer
        if "changed" in head:
            raise NotReady(f"{path.name!r} has changed since it was opened: ask again")
        if "error" in head:
            raise Unavailable(f"{path.name!r} cannot be read: {head['error']}")
        return body

    def _exchange(self, request: bytes, name: str) -> tuple[dict[str, Any], bytes] | None:
        """The answer's head and body; None if the process ended before it was complete."""
        process = self._started()
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(DEADLINE, end)
        timer.start()
        try:
            answer = _exchange(process, request)
        finally:
            timer.cancel()
        if answer is None:
            self._stop()
        if late.is_set():
            raise Unavailable(f"{name!r} cannot be read: that took more than {DEADLINE:.0f} seconds; save it as CSV")
        return answer

    def _is_running(self) -> bool:
        return self._process is not None and self._owner == os.getpid() and self._process.poll() is None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._is_running():
            return self._process
        if self._owner == os.getpid():
            self._stop()
        else:  # the first time, or we were forked: our parent's process is not ours
            atexit.register(self._stop)
        self._owner = os.getpid()
        self._process = process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
            (*_COMMAND, str(MEMORY)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ENVIRONMENT},
        )
        if _answer(process) is None:
            self._stop()
            raise ReadFailed(f"the process that reads workbooks did not start (exit code {process.returncode})")
        return process

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            with contextlib.suppress(OSError), process:  # which closes its pipes, and waits for its end
                process.kill()


def _exchange(process: subprocess.Popen[bytes], request: bytes) -> tuple[dict[str, Any], bytes] | None:
    assert process.stdin is not None
    try:
        process.stdin.write(request)
        process.stdin.flush()
    except OSError:  # it has just ended
        return None
    return _answer(process)


def _answer(process: subprocess.Popen[bytes]) -> tuple[dict[str, Any], bytes] | None:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.endswith(b"\n"):
        return None
    head: dict[str, Any] = json.loads(line)
    size = head.get("size", 0)
    body = process.stdout.read(size)
    return (head, body) if len(body) == size else None


HELPER = Helper()
