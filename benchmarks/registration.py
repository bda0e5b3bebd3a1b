"""Register folders of small files, of which only the headers are read, with the commands that users have."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from catalog_cases import API
from catalog_measure import REFERENCE, answer
from servers import HERE, Server, environment
from writing import KEY, OURS

NPY, TIFF = "npy", "tiff"
KINDS = (NPY, TIFF)
FILES = {OURS: 2000, REFERENCE: 500}
ONE = 1  # file, for what the command takes besides


@dataclass(frozen=True)
class Registered:
    """Seconds that registering takes: the whole command, and the same for a folder with one file."""

    kind: str
    files: int
    whole: float
    start: float
    server: float  # seconds of its CPU

    @property
    def rate(self) -> float | None:
        """Files in a second, beyond those of the one file; None if that took as long."""
        return (self.files - ONE) / (self.whole - self.start) if self.whole > self.start else None


def write_files(folder: Path, kind: str, count: int) -> Path:
    """A folder of small images whose names make no sequence."""
    inside = folder / f"{kind}-{count}"
    inside.mkdir(parents=True)
    for number in range(count):
        image = np.full((8, 8), number, "<u2")
        if kind == NPY:
            np.save(inside / f"frame{number:05}-a.npy", image)
        else:
            import tifffile  # noqa: PLC0415 - needed here alone

            tifffile.imwrite(inside / f"frame{number:05}-a.tiff", image)
    return inside


def commands(reference_python: str | None) -> dict[str, list[str]]:
    """How each registers."""
    found = {OURS: [sys.executable, "-m", "tiledkernel"]}
    if reference_python:
        found[REFERENCE] = [reference_python, "-m", "tiled"]
    return found


def registered(
    folder: Path, servers: Mapping[str, Server], reference_python: str | None, rounds: int, most: int | None = None
) -> dict[str, list[Registered]]:
    """For each server how it takes each kind of file; medians of the rounds, in which the servers take turns."""
    programs = commands(reference_python)
    results: dict[str, list[Registered]] = {}
    place = f"/registered-{secrets.token_hex(4)}"
    for kind in KINDS:
        one = write_files(folder, kind, ONE)
        counts = {who: min(FILES[who], most or FILES[who]) for who in servers}
        many = {count: write_files(folder, kind, count) for count in set(counts.values())}
        spent: dict[str, list[tuple[float, float, float]]] = {who: [] for who in servers}
        for number in range(rounds):
            for who, server in servers.items():
                start = _run(programs[who], server, one, f"{place}-{kind}-{number}-one")
                before = server.cpu()
                whole = _run(programs[who], server, many[counts[who]], f"{place}-{kind}-{number}")
                spent[who].append((whole, start, server.cpu() - before))
        for who, found in spent.items():
            whole, start, cpu = (median(column) for column in zip(*found, strict=True))
            results.setdefault(who, []).append(Registered(kind, counts[who], whole, start, cpu))
    return results


def _run(program: Sequence[str], server: Server, folder: Path, prefix: str) -> float:
    """Seconds of the whole command; RuntimeError with what it said if it fails, or not all files are there then."""
    command = [*program, "register", server.uri, str(folder), "--api-key", KEY, "--prefix", prefix]
    begin = time.perf_counter()
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=environment(), cwd=HERE
    )
    spent = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"registering {folder.name} fails: {done.stderr.strip()[-300:]}")
    count = answer(server, f"{API}/search{prefix}?page[limit]=1")["meta"]["count"]
    if count != len(list(folder.iterdir())):
        raise RuntimeError(f"registering {folder.name} made {count} nodes")
    return spent
