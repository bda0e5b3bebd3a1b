"""Clients as processes of their own: see `worker.py` for what they are told."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from statistics import median
from typing import Any

from servers import HERE, Watched, environment

PATIENCE = 120.0  # seconds until a worker that does not answer is stopped


class TaskFailed(Exception):
    """A worker could not do what it was told; it says why."""


@dataclass(frozen=True)
class Answer:
    """How long each repetition of a task took, how large the result was, and how many requests each took."""

    seconds: list[float]
    size: int
    requests: float

    @property
    def median(self) -> float:
        """Seconds."""
        return median(self.seconds)


class Worker(Watched):
    """A client that is running."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(process.pid)
        self._pipes = process

    def do(self, task: str, *arguments: Any, count: int = 1, seconds: float = 0) -> Answer:
        """Let it repeat a task until the count or the time is reached, at least once; TaskFailed if it cannot."""
        order = {"task": task, "arguments": arguments, "count": count, "seconds": seconds}
        try:
            print(json.dumps(order), file=self._pipes.stdin, flush=True)
        except OSError as error:
            raise TaskFailed(f"{task} {arguments}: the process has ended") from error
        try:
            answer = self.answer()
        except TaskFailed as error:
            raise TaskFailed(f"{task} {arguments}: {error}") from error
        if "error" in answer:
            raise TaskFailed(f"{task} {arguments}: {answer['error']}")
        return Answer(**answer)

    def answer(self) -> dict[str, Any]:
        """What it says next."""
        alarm = threading.Timer(PATIENCE, self._pipes.kill)
        alarm.start()
        try:
            line = self._pipes.stdout.readline()
        finally:
            alarm.cancel()
        if not line:
            raise TaskFailed("the process has ended")
        said: dict[str, Any] = json.loads(line)
        return said


@contextmanager
def working(tasks: str, python: str = sys.executable, **settings: Any) -> Iterator[Worker]:
    """A worker with the tasks of a module, made with these settings; RuntimeError says why it does not start."""
    command = [python, str(HERE / "worker.py"), tasks, json.dumps(settings)]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        worker = Worker(process)
        try:
            start(worker, errors)
            yield worker
        finally:
            with suppress(OSError):  # it may have ended already
                process.stdin.close()  # it ends by itself
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def start(worker: Worker, errors) -> None:
    """Wait until a worker is ready."""
    try:
        worker.answer()
    except TaskFailed as error:
        errors.seek(0)
        raise RuntimeError(f"a client does not start: {error}\n{errors.read()[-2000:]}") from None
