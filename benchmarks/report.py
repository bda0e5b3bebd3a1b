"""The measurements as Markdown."""

from __future__ import annotations

import datetime as dt
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import cases
import psutil
from measure import Requests, Start, Transfer

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
MISSING = "-"


def machine(reference_python: str | None) -> str:
    """Where, when and with what this was measured."""
    parts = [
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        f"{processor()}, {cores()}",
        f"{platform.system()} {platform.release().partition('-')[0]}",
        f"load before the run {psutil.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}",
        *(f"{name} {version(name)}" for name in ("tiledkernel", "litestar", "uvicorn", "numpy", "h5py")),
    ]
    if reference_python:
        parts.append(f"reference: tiled {reference_version(reference_python)}")
    return "; ".join(parts) + "."


def processor() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def cores() -> str:
    """How many of its cores we may use."""
    process = psutil.Process()
    usable = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count()
    return f"{usable} cores"


def reference_version(python: str) -> str:
    code = "from importlib.metadata import version; print(version('tiled'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def requests_table(results: list[Requests]) -> str:
    """CPU milliseconds per request and their ratios."""
    lines = [
        "| request | bare uvicorn | ours | reference | ours / bare | reference / ours | goal |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for result in results:
        own, other = result.case.servers
        cells = [
            result.case.name,
            *(milliseconds(result.median(name)) for name in (cases.BARE, own, other)),
            times(result.ratio(own, cases.BARE)),
            times(result.ratio(other, own)),
            goal(result),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def milliseconds(value: float | None) -> str:
    return MISSING if value is None else f"{value:.3g} ms"


def times(ratio: float | None) -> str:
    return MISSING if ratio is None else f"{ratio:.1f}"


def goal(result: Requests) -> str:
    """What we want, and whether it is so."""
    case = result.case
    own, other = case.servers
    if case.at_most_times_bare:
        ratio = result.ratio(own, cases.BARE)
        reached = ratio is not None and ratio <= case.at_most_times_bare
        wanted = f"at most {case.at_most_times_bare:g} times bare"
    else:
        ratio = result.ratio(other, own)
        reached = ratio is not None and ratio > case.at_least_times_better
        wanted = f"over {case.at_least_times_better:g} times better"
    return wanted if ratio is None else f"{wanted}: {'reached' if reached else 'missed'}"


def totals_table(transfer: Transfer, own: Start, other: Start | None) -> str:
    """The large transfer and the start."""
    speed = transfer.ours / transfer.plain
    rows = [
        ("256 MiB from memory, of plain TCP", f"{speed:.0%}", MISSING,
         f"{cases.LARGE_SPEED:.0%}", speed >= cases.LARGE_SPEED),
        ("growth of the server meanwhile", mebibytes(transfer.growth), MISSING,
         f"under {mebibytes(cases.LARGE_GROWTH)}", transfer.growth < cases.LARGE_GROWTH),
        ("`serve demo` until it answers", f"{own.ready:.2f} s", other and f"{other.ready:.2f} s",
         f"under {cases.READY} s", own.ready < cases.READY),
        ("resident when idle", mebibytes(own.idle), other and mebibytes(other.idle),
         f"under {mebibytes(cases.IDLE)}", own.idle < cases.IDLE),
        ("importing the client", f"{own.client * 1e3:.0f} ms", other and f"{other.client * 1e3:.0f} ms",
         f"under {cases.IMPORT * 1e3:.0f} ms", own.client < cases.IMPORT),
    ]  # fmt: skip
    lines = ["| | ours | reference | goal |", "|---|---:|---:|---|"]
    for name, ours, reference, wanted, reached in rows:
        lines.append(f"| {name} | {ours} | {reference or MISSING} | {wanted}: {'reached' if reached else 'missed'} |")
    return "\n".join(lines)


def mebibytes(size: float) -> str:
    return f"{size / (1 << 20):.0f} MiB"


def write(page: Path, text: str, begin: str = BEGIN, end: str = END) -> None:
    """Put `text` between the marks of a page."""
    content = page.read_text(encoding="utf-8")
    if content.count(begin) != 1 or content.count(end) != 1 or content.index(begin) > content.index(end):
        raise ValueError(f"{page} needs the lines {begin} and {end}, once each and in this order")
    head, _, rest = content.partition(begin)
    tail = rest.partition(end)[2]
    page.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")
