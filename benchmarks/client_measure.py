"""The measurements from the side of the client."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import cases
import client_cases
from cases import Effort
from client_cases import (
    ARRAY,
    CLIENT_CASES,
    FLIGHT,
    OURS,
    OURS_ASYNC,
    OURS_CACHED,
    PLAIN,
    PLAIN_TO_REFERENCE,
    REFERENCE,
    ClientCase,
    Job,
)
from servers import HERE, Server, environment, running
from workers import Answer, TaskFailed, Worker, working

YARDSTICK = "yardstick"


@dataclass
class Times:
    """Seconds of each round, by who took part; how many requests it cost; and what went wrong, by who."""

    case: ClientCase
    rounds: dict[str, list[float]] = field(default_factory=dict)
    requests: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def note(self, who: str, answer: Answer) -> None:
        self.rounds.setdefault(who, []).append(answer.median)
        self.requests[who] = answer.requests

    def median(self, who: str) -> float | None:
        return median(self.rounds[who]) if who in self.rounds else None

    def ratio(self, above: str, below: str) -> float | None:
        """The median of the ratios of the rounds in which both took part, one right after the other."""
        pairs = list(zip(self.rounds.get(above, ()), self.rounds.get(below, ()), strict=False))
        return median(more / less for more, less in pairs) if pairs else None

    def difference(self, above: str, below: str) -> float | None:
        """The median of the differences."""
        pairs = list(zip(self.rounds.get(above, ()), self.rounds.get(below, ()), strict=False))
        return median(more - less for more, less in pairs) if pairs else None


@dataclass(frozen=True)
class Crowd:
    """The clients that are running, by their names, and the port of the plain source of bytes."""

    workers: Mapping[str, Worker]
    source: int

    def do(self, job: Job, case: ClientCase, seconds: float) -> Answer:
        """One round of a job; TaskFailed if the result is not what it must be."""
        arguments = [self.source if argument == "{source}" else argument for argument in job.arguments]
        answer = self.workers[job.worker].do(job.task, *arguments, count=case.count, seconds=seconds)
        if job.is_checked and answer.size != case.size:
            raise TaskFailed(f"{job.task} {arguments}: the result has a size of {answer.size} instead of {case.size}")
        return answer


@contextmanager
def crowd(ours: Server, reference: Server | None, reference_python: str | None) -> Iterator[Crowd]:
    """Clients of our server and of the reference's, each in a process of its own."""
    with ExitStack() as stack:
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "cache.db"
        source = stack.enter_context(running([sys.executable, str(HERE / "source.py"), "{port}"]))
        flight = stack.enter_context(running([sys.executable, str(HERE / "flight_server.py"), "{port}"], None))
        client = {"module": "tiledkernel.client", "uri": ours.uri}
        workers = {
            OURS: working("tiled_tasks", **client),
            OURS_CACHED: working("tiled_tasks", **client, cache=str(cache)),
            OURS_ASYNC: working("async_tasks", uri=ours.uri),
            PLAIN: working("plain_tasks", uri=ours.uri),
            FLIGHT: working("flight_tasks", port=flight.port),
        }
        if reference and reference_python:
            workers[REFERENCE] = working("tiled_tasks", reference_python, module="tiled.client", uri=reference.uri)
            workers[PLAIN_TO_REFERENCE] = working("plain_tasks", uri=reference.uri)
        yield Crowd({name: stack.enter_context(worker) for name, worker in workers.items()}, source.port)


@dataclass(frozen=True)
class Clients:
    """What is no matter of rounds, of our client and of the reference's, which may be missing."""

    extra: tuple[int, int | None]  # bytes
    connected: tuple[float, float | None]  # seconds of a new interpreter


def everything(
    servers: Mapping[str, Server], effort: Effort, reference_python: str | None
) -> tuple[list[Times], Clients]:
    """All measurements, of the clients of the servers that hold their data in memory."""
    own, other = servers[cases.OURS_MEMORY], servers.get(cases.REFERENCE_MEMORY)
    with crowd(own, other, reference_python) as clients:
        measured = times(clients, effort)
        extra = extra_memory(clients.workers[OURS])
        extra_of_reference = extra_memory(clients.workers[REFERENCE]) if other else None
    connected = until_connected("tiledkernel.client", own.uri, sys.executable, effort)
    connected_reference = (
        until_connected("tiled.client", other.uri, reference_python, effort) if other and reference_python else None
    )
    return measured, Clients((extra, extra_of_reference), (connected, connected_reference))


def times(crowd: Crowd, effort: Effort) -> list[Times]:
    """All cases; those who take part do so by turns, so that a slow moment of the machine hits all of them."""
    return [_times(case, crowd, effort) for case in CLIENT_CASES]


def _times(case: ClientCase, crowd: Crowd, effort: Effort) -> Times:
    result = Times(case)
    jobs = {YARDSTICK: case.yardstick and case.yardstick.job, OURS: case.ours, REFERENCE: case.reference}
    takes_part = {who: job for who, job in jobs.items() if job and job.worker in crowd.workers}
    spent = dict.fromkeys(takes_part, 0.0)
    for number in range(effort.rounds + 1):
        for who, job in list(takes_part.items()):
            if who == REFERENCE and spent[who] > client_cases.PATIENCE_WITH_REFERENCE:
                continue
            try:
                answer = crowd.do(job, case, seconds=number and min(effort.seconds, client_cases.SECONDS))
            except TaskFailed as error:
                result.failures[who] = str(error)
                del takes_part[who]
                continue
            if number:  # the one before the first was to warm up
                result.note(who, answer)
                spent[who] += sum(answer.seconds)
    return result


def extra_memory(worker: Worker) -> int:
    """Bytes that a client holds at most while it reads 256 MiB, above the array itself."""
    before = worker.rss()
    with worker.peak_rss() as peak:  # apart: watching the memory takes a core that the transfer wants
        answer = worker.do(ARRAY.ours.task, *ARRAY.ours.arguments)
    return max(0, peak[0] - before - answer.size)  # others may have let go of memory meanwhile


def until_connected(module: str, uri: str, python: str, effort: Effort) -> float:
    """How much longer than one that does nothing an interpreter lives that connects to a server."""
    codes = ["pass", f"from {module} import from_uri; from_uri({uri!r})"]
    spent: list[list[float]] = [[], []]
    for _ in range(min(effort.rounds, 3)):
        for code, noted in zip(codes, spent, strict=True):
            begin = time.perf_counter()
            subprocess.run([python, "-c", code], check=True, env=environment())
            noted.append(time.perf_counter() - begin)
    return median(spent[1]) - median(spent[0])
