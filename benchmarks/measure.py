"""The measurements: requests, one large transfer, starting up."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import cases
from cases import Case, Effort
from servers import HERE, Server, bare, environment, ours, reference, running


@dataclass
class Requests:
    """Milliseconds of server CPU per request, one number per round, by server; and what went wrong, by server."""

    case: Case
    rounds: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def note(self, server: str, milliseconds: float) -> None:
        self.rounds.setdefault(server, []).append(milliseconds)

    def median(self, server: str) -> float | None:
        return median(self.rounds[server]) if server in self.rounds else None

    def ratio(self, above: str, below: str) -> float | None:
        """The median of the ratios of the rounds, since in each the servers were measured one right after the other."""
        if above not in self.rounds or below not in self.rounds:
            return None
        pairs = zip(self.rounds[above], self.rounds[below], strict=True)
        return median(more / less if less else math.inf for more, less in pairs)


def load(
    server: Server, path: str, headers: dict[str, str], effort: Effort, *, count: int | None = None
) -> dict[str, float]:
    """Let a process of its own ask the server."""
    order = {
        "port": server.port, "path": path, "headers": headers, "seconds": effort.seconds,
        "connections": effort.connections, "count": count or effort.count,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(HERE / "load.py"), json.dumps(order)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{path}: {done.stderr.strip().splitlines()[-1]}")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def milliseconds(server: Server, path: str, headers: dict[str, str], effort: Effort) -> float:
    """Server CPU per request in one round."""
    before = server.cpu()
    result = load(server, path, headers, effort)
    return (server.cpu() - before) * 1e3 / result["answers"]


def requests(servers: Mapping[str, Server], effort: Effort) -> list[Requests]:
    """All cases; the servers take turns, so that a slow moment of the machine hits all of them."""
    return [_requests(case, servers, effort) for case in cases.CASES]


def _requests(case: Case, servers: Mapping[str, Server], effort: Effort) -> Requests:
    result = Requests(case)
    takes_part = [name for name in (cases.BARE, *case.servers) if name in servers]
    for name in list(takes_part):
        try:
            load(servers[name], case.path, case.headers, effort, count=effort.warm_up)
        except RuntimeError as error:
            result.failures[name] = str(error)
            takes_part.remove(name)
    for _ in range(effort.rounds):
        for name in takes_part:
            result.note(name, milliseconds(servers[name], case.path, case.headers, effort))
    return result


@dataclass(frozen=True)
class Transfer:
    """One answer of 256 MiB: bytes per second, over plain TCP and from our server, and how much that one grew."""

    plain: float
    ours: float
    growth: int


def transfer(server: Server, effort: Effort) -> Transfer:
    """Medians of several transfers, by turns; growth during one more."""
    plain, own, growth = [], [], [0]  # no less than no growth
    once = Effort(rounds=1, seconds=60, count=1, connections=1)
    with running([sys.executable, str(HERE / "source.py"), "{port}"]) as source:
        for _ in range(max(2, effort.rounds)):
            plain.append(_speed(source, "/", once))
            own.append(_speed(server, cases.LARGE, once))
    before = server.rss()
    with server.peak_rss() as peak:  # apart: watching the memory takes a core that the transfer wants
        _speed(server, cases.LARGE, once)
    growth.append(peak[0] - before)
    return Transfer(median(plain), median(own), max(growth))


def _speed(server: Server, path: str, once: Effort) -> float:
    result = load(server, path, {}, once)
    return result["bytes"] / result["seconds"]


@dataclass(frozen=True)
class Start:
    """Seconds until `serve demo` answers, its resident bytes when idle, seconds that importing the client takes."""

    ready: float
    idle: int
    client: float


def start(effort: Effort, python: str | None = None) -> Start:
    """Of our server, or of the reference's in the environment of `python`."""
    command = ours("demo") if python is None else reference(python, "demo")
    ready, idle = [], []
    for _ in range(max(1, effort.rounds)):
        begin = time.perf_counter()
        with running(command) as server:
            ready.append(time.perf_counter() - begin)
            time.sleep(0.5)
            idle.append(server.rss())
    module = "tiledkernel.client" if python is None else "tiled.client"
    return Start(median(ready), round(median(idle)), import_time(module, python or sys.executable, effort))


def import_time(module: str, python: str, effort: Effort) -> float:
    """How much longer an interpreter lives that imports what connects from `module`."""
    code = f"from {module} import from_uri"  # a name that is loaded late is loaded now
    times: dict[str, list[float]] = {"pass": [], code: []}
    for _ in range(2 * effort.rounds + 1):
        for program, spent in times.items():
            begin = time.perf_counter()
            subprocess.run([python, "-c", program], check=True, env=environment())
            spent.append(time.perf_counter() - begin)
    return median(times[code]) - median(times["pass"])


def commands(folder: Path, reference_python: str | None) -> dict[str, list[str]]:
    """How each server is started; without `reference_python` only ours."""
    started = {
        cases.BARE: bare(),
        cases.OURS_MEMORY: ours("pyobject", "tree_ours:tree", "--public"),
        cases.OURS_FILES: ours("directory", str(folder), "--public"),
    }
    if reference_python:
        started[cases.REFERENCE_MEMORY] = reference(reference_python, "pyobject", "tree_reference:tree", "--public")
        started[cases.REFERENCE_FILES] = reference(reference_python, "directory", str(folder), "--public")
    return started
