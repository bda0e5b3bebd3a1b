"""Measure catalogs of up to a million nodes: look-ups, pages, searches, making nodes, registering files.

python benchmarks/catalog.py --reference-python /path/to/python --write

The catalogs are made in a temporary folder, which takes some minutes; `--sizes 1000` is for a look at a small one, and
`--folder` keeps them for the next time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import catalog_cases
import catalog_filling
import catalog_measure
import catalog_report
import numpy as np
import registration
import report
from catalog_cases import FULL, QUICK, Effort
from catalog_measure import REFERENCE, Catalog, Cost
from catalog_report import spaced
from registration import Registered
from servers import environment, ours, reference, running
from writing import KEY, OURS, Uploader

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PIECE = 1 << 24  # bytes
BEGIN, END = "<!-- catalog: begin -->", "<!-- catalog: end -->"


@dataclass(frozen=True)
class Plan:
    """What is to be measured: sizes of our catalogs, in order, and which of them the reference has, too."""

    sizes: Sequence[int]
    compared: int
    effort: Effort
    reference_python: str | None = None

    def who(self, size: int) -> str:
        """The name of our server for a size."""
        return OURS if size == self.compared else f"{OURS}, {size}"


@contextmanager
def catalogs(plan: Plan, folder: Path) -> Iterator[dict[str, Catalog]]:
    """Servers with filled catalogs, by their names."""
    with ExitStack() as stack:
        found = {}
        if plan.reference_python:
            path = folder / f"reference-{plan.compared}.db"
            _made(path, _reference_maker(plan.reference_python), plan.compared)
            command = reference(plan.reference_python, "catalog", str(path), *_options(path))
            found[REFERENCE] = stack.enter_context(running(command)), plan.compared
        for size in plan.sizes:
            path = folder / f"ours-{size}.db"
            _made(path, catalog_filling.fill_ours, size)
            command = ours("catalog", str(path), *_options(path))
            found[plan.who(size)] = stack.enter_context(running(command)), size
        yield {who: Catalog(*each) for who, each in found.items()}


def _reference_maker(python: str) -> Callable[[Path, int], None]:
    def make(path: Path, size: int) -> None:
        command = [python, "-m", "tiled", "catalog", "init", str(path)]
        subprocess.run(command, check=True, capture_output=True, env=environment())
        catalog_filling.fill_reference(path, size)

    return make


def _made(path: Path, make: Callable[[Path, int], None], size: int) -> None:
    """Make a catalog, unless an earlier run has left one that is whole; the system has it in its memory afterwards."""
    if not path.exists():
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            make(Path(folder) / path.name, size)
            (Path(folder) / path.name).rename(path)
        print(f"{path.name}: made in {time.perf_counter() - begin:.0f} s", file=sys.stderr)
    with path.open("rb", buffering=0) as file:
        while file.read(PIECE):
            pass


def _options(path: Path) -> list[str]:
    return ["-w", str(path.with_suffix(".uploads")), "--api-key", KEY]


def creating(plan: Plan, servers: Mapping[str, Catalog]) -> dict[str, Cost]:
    """What it costs to make a node with room for an array; what filling it costs besides, `writing.py` says."""
    results = {}
    for who, catalog in servers.items():
        with closing(Uploader(catalog.server)) as uploader:
            spent = uploader.cost(_creations(uploader, plan.effort.creations))
        results[who] = Cost(spent.wall, spent.cpu)
    return results


def _creations(uploader: Uploader, count: int) -> Iterator[Callable[[], None]]:
    numbers = np.arange(10)

    def act() -> None:
        uploader.create(numbers, (len(numbers),))

    yield from [act] * (count + 1)


def measure(plan: Plan, folder: Path, failures: list[str]) -> Iterator[str]:
    """One table after the other, and what was measured in it; what could not be measured is added to `failures`."""
    with catalogs(plan, folder) as found:
        equals = {who: found[who] for who in (OURS, REFERENCE) if who in found}
        own = {who: catalog for who, catalog in found.items() if who != REFERENCE}
        largest = max(own.values(), key=lambda catalog: catalog.size)
        asked = catalog_measure.costs([*catalog_cases.LOOK_UPS, *catalog_cases.LISTINGS], equals, plan.effort)
        yield f"Both catalogs have {spaced(plan.compared)} nodes in one container, and a tenth as many at six depths:"
        yield catalog_report.requests_table(asked)
        flat = catalog_measure.costs(catalog_cases.LOOK_UPS, own, plan.effort)
        yield "The CPU time of the same look-ups in catalogs of other sizes, all ours:"
        yield catalog_report.flatness_table(flat, {who: catalog.size for who, catalog in own.items()})
        glances = catalog_measure.glances(largest, plan.effort)
        yield "Nodes that are made, and what one sees of a large container at a glance:"
        yield catalog_report.other_table(creating(plan, equals), glances, largest.size)
    yield "Small files that the commands register in catalogs that are empty at first:"
    yield catalog_report.registration_table(registered(plan))
    failures += [f"{of.case.name}: {who}: {said}" for of in (*asked, *flat) for who, said in of.failures.items()]


def registered(plan: Plan) -> dict[str, list[Registered]]:
    """How fast the commands register files."""
    rounds, most = min(3, plan.effort.rounds), None if plan.effort is FULL else plan.effort.count
    with tempfile.TemporaryDirectory() as folder:
        return registration.registered(Path(folder), plan.reference_python, rounds, most)


def main() -> None:
    options = parse_options()
    sizes = sorted(options.sizes)
    in_both = min(sizes, key=lambda size: abs(size - catalog_cases.COMPARED))
    plan = Plan(sizes, in_both, QUICK if options.quick else FULL, options.reference_python)
    begin, failures = time.perf_counter(), list[str]()
    parts = [f"Measured {report.machine(options.reference_python)} Medians of {plan.effort.rounds} rounds."]
    print(parts[0])
    with tempfile.TemporaryDirectory() if options.folder is None else nullcontext(options.folder) as folder:
        for part in measure(plan, Path(folder), failures):
            print(f"\n{part}", flush=True)
            parts.append(part)
    print(f"\n{time.perf_counter() - begin:.0f} s")
    if failures:
        raise SystemExit("\n".join(["", "These could not be measured:", *failures]))
    if options.write:
        report.write(PAGE, "\n\n".join(parts), BEGIN, END)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference-python", help="interpreter of an environment with tiled[all]==0.2.20")
    parser.add_argument("--sizes", type=int, nargs="+", default=catalog_cases.SIZES, help="nodes in each catalog")
    parser.add_argument("--folder", type=Path, help="keep the catalogs here, and use those that are there")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything run?")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
