"""Register folders of small files, of which only the headers are read, with the commands that users have."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

import numpy as np
from catalog_cases import API
from catalog_measure import REFERENCE, answer
from servers import HERE, Server, environment, ours, reference, running
from writing import KEY, OURS

NPY, TIFF = "npy", "tiff"
KINDS = (NPY, TIFF)
FILES = {OURS: 2000, REFERENCE: 500}
ONE = 1  # file, for what the command takes besides


@dataclass(frozen=True)
class Spent:
    """Seconds of one command: on the wall, of its own CPU and of the server's."""

    wall: float
    command: float
    server: float


@dataclass(frozen=True)
class Registered:
    """How long it takes to register files of one kind, and, with the same command, one file."""

    kind: str
    files: int
    whole: Spent
    start: Spent

    @property
    def rate(self) -> float | None:
        """Files in a second, beyond the one file; None if that took as long."""
        seconds = self.whole.wall - self.start.wall
        return (self.files - ONE) / seconds if seconds > 0 else None

    @property
    def command(self) -> float:
        """Milliseconds of the command's CPU for each file, beyond the one file."""
        return (self.whole.command - self.start.command) * 1e3 / (self.files - ONE)

    @property
    def server(self) -> float:
        """Milliseconds of the server's CPU for each file."""
        return self.whole.server * 1e3 / self.files


@dataclass(frozen=True)
class Registrar:
    """A command, and the server that it registers at."""

    program: Sequence[str]
    server: Server

    def run(self, folder: Path, prefix: str) -> Spent:
        """Register a folder; RuntimeError with what the command said if it fails, or not all files are there then."""
        command = [*self.program, "register", self.server.uri, str(folder), "--api-key", KEY, "--prefix", prefix]
        before, own, begin = self.server.cpu(), _cpu_of_children(), time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(), cwd=HERE)
        spent = Spent(time.perf_counter() - begin, _cpu_of_children() - own, self.server.cpu() - before)
        if done.returncode:
            raise RuntimeError(f"registering {folder.name} fails: {done.stderr.strip()[-300:]}")
        count = answer(self.server, f"{API}/search{prefix}?page[limit]=1")["meta"]["count"]
        if count != len(list(folder.iterdir())):
            raise RuntimeError(f"registering {folder.name} made {count} nodes")
        return spent


def _cpu_of_children() -> float:
    """Seconds of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def registrars(folder: Path, reference_python: str | None) -> Iterator[dict[str, Registrar]]:
    """Servers with empty catalogs, which may read the files below a folder."""
    options = ["--init", "-r", str(folder), "--api-key", KEY]
    commands = {OURS: ([sys.executable, "-m", "tiledkernel"], ours("catalog", str(folder / "ours.db"), *options))}
    if reference_python:
        started = reference(reference_python, "catalog", str(folder / "reference.db"), *options)
        commands[REFERENCE] = ([reference_python, "-m", "tiled"], started)
    with ExitStack() as stack:
        yield {
            who: Registrar(program, stack.enter_context(running(command)))
            for who, (program, command) in commands.items()
        }


def registered(
    folder: Path, reference_python: str | None, rounds: int, most: int | None = None
) -> dict[str, list[Registered]]:
    """How each takes each kind of file, of which there are at most so many; medians of rounds, taken by turns."""
    results: dict[str, list[Registered]] = {}
    with registrars(folder, reference_python) as found:
        for kind in KINDS:
            one = write_files(folder, kind, ONE)
            many = {who: write_files(folder, kind, min(FILES[who], most or FILES[who]), who) for who in found}
            spent: dict[str, list[tuple[Spent, Spent]]] = {who: [] for who in found}
            for number in range(rounds):
                for who, registrar in found.items():
                    start = registrar.run(one, f"/{kind}-{number}-one")
                    spent[who].append((registrar.run(many[who], f"/{kind}-{number}"), start))
            for who, pairs in spent.items():
                whole, start = (_median(column) for column in zip(*pairs, strict=True))
                count = len(list(many[who].iterdir()))
                results.setdefault(who, []).append(Registered(kind, count, whole, start))
    return results


def _median(found: Sequence[Spent]) -> Spent:
    return Spent(*(median(getattr(each, field.name) for each in found) for field in fields(Spent)))


def write_files(folder: Path, kind: str, count: int, name: str = "") -> Path:
    """A folder of small images whose names make no sequence."""
    inside = folder / f"{kind}-{count}{name}"
    inside.mkdir()
    for number in range(count):
        image = np.full((8, 8), number, "<u2")
        if kind == NPY:
            np.save(inside / f"frame{number:05}-a.npy", image)
        else:
            import tifffile  # noqa: PLC0415 - needed here alone

            tifffile.imwrite(inside / f"frame{number:05}-a.tiff", image)
    return inside
