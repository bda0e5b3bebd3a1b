"""Measure tiledkernel against bare uvicorn and against the reference server, all in one run.

python benchmarks/run.py --reference-python /path/to/python --write
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import cases
import client_measure
import client_report
import measure
import report
from samples import write_files
from servers import running

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def main() -> None:
    options = parse_options()
    effort = cases.QUICK if options.quick else cases.FULL
    begin = time.perf_counter()
    where = report.machine(options.reference_python)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        write_files(Path(folder))
        commands = measure.commands(Path(folder), options.reference_python)
        contexts = {name: running(command, ready(name)) for name, command in commands.items()}
        with ThreadPoolExecutor(len(contexts)) as executor:  # together: some take half a minute
            servers = dict(zip(contexts, executor.map(stack.enter_context, contexts.values()), strict=True))
        results = measure.requests(servers, effort)
        transfer = measure.transfer(servers[cases.OURS_MEMORY], effort)
        times, clients = client_measure.everything(servers, effort, options.reference_python)
    own = measure.start(effort)
    python = options.reference_python
    other = measure.start(cases.START_OF_REFERENCE, python) if python else None
    text = "\n\n".join(
        [
            f"Measured {where} Medians of {effort.rounds} rounds.",
            report.requests_table(results),
            report.totals_table(transfer, own, other),
            client_report.times_table(times),
            client_report.totals_table(times, clients),
        ]
    )
    print(text)
    print(f"\n{time.perf_counter() - begin:.0f} s")
    failures = [f"{name}: {said}" for result in [*results, *times] for name, said in result.failures.items()]
    if failures:
        raise SystemExit("\n".join(["", "These could not be measured:", *failures]))
    if options.write:
        report.write(PAGE, text)


def ready(name: str) -> str:
    """A path that answers once the server is ready; every path of the bare one does."""
    return "/" if name == cases.BARE else "/healthz"


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference-python", help="interpreter of an environment with tiled[all]==0.2.20")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything run?")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
