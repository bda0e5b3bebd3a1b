"""Measure what it costs to store arrays: making and filling small ones, and uploading blocks of 1 MiB.

python benchmarks/writing.py --reference-python /path/to/python

Time on the wall includes flushing to the disk, which nobody can save; what a server does besides is its CPU time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
import report
import tiled_zarr
from servers import Server, ours, reference, running

from tiledkernel.families.array.describe import describe_array
from tiledkernel.nodes.storing import parse_location
from tiledkernel.testing.keeping import Kept

KEY = "secret"
OURS, REFERENCE = "ours", "reference"
SIDE = 362  # elements of eight bytes: a block of 1 MiB
BLOCKS = 16
OF_LOCAL = 0.6  # of the speed of the library below, what an upload reaches at least
BETTER = 10.0  # times cheaper than the reference, in CPU time


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one operation: on the wall, and of the server's CPU."""

    wall: float
    cpu: float


def data() -> np.ndarray[Any, Any]:
    """Counts as a detector has them, some of which compress and some do not."""
    return np.random.default_rng(0).poisson(1000.0, (BLOCKS * SIDE, SIDE)).astype("<i8")


def locally(folder: Path, count: int) -> float:
    """Milliseconds of one block that the library stores, without a server."""
    elements = data()
    structure = describe_array(elements.shape, elements.dtype, (SIDE, SIDE))
    kept = Kept.create(folder, tiled_zarr.STORAGE, parse_location(str(folder / "local")), structure)
    spent = []
    for number in range(count):
        block = number % BLOCKS
        begin = time.perf_counter()
        kept.open().write_block((block, 0), elements[block * SIDE : (block + 1) * SIDE])
        spent.append(time.perf_counter() - begin)
    return median(spent) * 1e3


class Uploader:
    """Talks to one server as any HTTP client does, over a connection that stays open."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client = httpx.Client(
            base_url=f"{server.uri}/api/v1", headers={"authorization": f"Apikey {KEY}"}, timeout=60
        )

    def create(self, array: np.ndarray[Any, Any], chunks: tuple[int, ...]) -> str:
        """Make a node; its key."""
        structure = describe_array(array.shape, array.dtype, chunks)
        source = {
            "structure_family": "array",
            "structure": {
                "data_type": {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None},
                "chunks": structure.chunks, "shape": structure.shape, "dims": None, "resizable": False,
            },
            "id": None, "mimetype": None, "parameters": {}, "properties": {}, "assets": [], "management": "writable",
        }  # fmt: skip
        body = {"id": str(uuid.uuid4()), "structure_family": "array", "metadata": {"color": "blue"}, "specs": []}
        return str(self._ask("POST", "/metadata/", json={**body, "data_sources": [source]}).json()["id"])

    def upload(self, path: str, array: np.ndarray[Any, Any], **parameters: str) -> None:
        """Send elements."""
        content = np.ascontiguousarray(array).tobytes()
        headers = {"content-type": "application/octet-stream"}
        self._ask("PUT", path, content=content, params=parameters, headers=headers)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = self._client.request(method, path, **options)
        if response.is_error:
            raise RuntimeError(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response

    def cost(self, actions: Iterator[Callable[[], None]]) -> Cost:
        """The median on the wall and the mean of the CPU; the first action is to warm up."""
        next(actions)()
        spent, before = [], self._server.cpu()
        for action in actions:
            begin = time.perf_counter()
            action()
            spent.append(time.perf_counter() - begin)
        return Cost(median(spent) * 1e3, (self._server.cpu() - before) / len(spent) * 1e3)


def small_arrays(uploader: Uploader, count: int) -> Iterator[Callable[[], None]]:
    """Make an array of ten numbers, and fill it."""
    numbers = np.arange(10)

    def act() -> None:
        key = uploader.create(numbers, (10,))
        uploader.upload(f"/array/full/{key}", numbers)

    yield from [act] * (count + 1)


def blocks(uploader: Uploader, count: int) -> Iterator[Callable[[], None]]:
    """Upload one block after the other."""
    elements = data()
    key = uploader.create(elements, (SIDE, SIDE))
    for number in range(count + 1):
        place = number % BLOCKS
        block = elements[place * SIDE : (place + 1) * SIDE]
        yield lambda place=place, block=block: uploader.upload(f"/array/block/{key}", block, block=f"{place},0")


CASES = {"make and fill an array of 10 numbers": small_arrays, "upload a block of 1 MiB": blocks}


def commands(folder: Path, reference_python: str | None) -> dict[str, list[str]]:
    """Both servers keep a catalog in SQLite and arrays in a folder."""
    found = {OURS: ours("catalog", str(folder / "ours.db"), "--init", "-w", str(folder / "ours"), "--api-key", KEY)}
    if reference_python:
        other = reference(
            reference_python, "catalog", str(folder / "reference.db"), "--init", "-w", str(folder / "reference")
        )
        found[REFERENCE] = [*other, "--api-key", KEY]
    return found


def measure(folder: Path, reference_python: str | None, count: int) -> tuple[float, dict[str, dict[str, Cost]]]:
    """Milliseconds of a block without a server; and the costs of each case by server."""
    results: dict[str, dict[str, Cost]] = {case: {} for case in CASES}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(running(command)) for name, command in commands(folder, reference_python).items()
        }
        local = locally(folder, count)
        for case, actions in CASES.items():
            for name, server in servers.items():
                with closing(Uploader(server)) as uploader:
                    results[case][name] = uploader.cost(actions(uploader, count))
    return local, results


def table(local: float, results: dict[str, dict[str, Cost]]) -> str:
    """The costs as Markdown."""
    lines = [
        "| | ours | of which CPU | reference | of which CPU | reference / ours, CPU | goal |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for case, costs in results.items():
        own, other = costs[OURS], costs.get(REFERENCE)
        ratio = other.cpu / own.cpu if other else None
        goal = f"{BETTER:g} times" if case.startswith("make") else ""
        reached = "" if ratio is None or not goal else f": {'reached' if ratio >= BETTER else 'missed'}"
        cells = [
            case, report.milliseconds(own.wall), report.milliseconds(own.cpu),
            report.milliseconds(other and other.wall), report.milliseconds(other and other.cpu),
            report.times(ratio), f"{goal}{reached}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    speed = local / results["upload a block of 1 MiB"][OURS].wall
    reached = "reached" if speed >= OF_LOCAL else "missed"
    said = (
        f"The library alone stores such a block in {local:.3g} ms: an upload reaches {speed:.0%} of its speed "
        f"(goal: {OF_LOCAL:.0%}, {reached})."
    )
    lines += ["", said]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference-python", help="interpreter of an environment with tiled[all]==0.2.20")
    parser.add_argument("--quick", action="store_true", help="a few operations: does everything run?")
    options = parser.parse_args()
    where = report.machine(options.reference_python)
    with tempfile.TemporaryDirectory() as folder:
        local, results = measure(Path(folder), options.reference_python, 5 if options.quick else 200)
    sys.stdout.write(f"Measured {where}\n\n{table(local, results)}\n")


if __name__ == "__main__":
    main()
