"""The measurements from the side of the client as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import client_cases
from client_cases import OURS, REFERENCE
from client_measure import YARDSTICK, Clients, Times
from report import MISSING, mebibytes, times


def times_table(results: Sequence[Times]) -> str:
    """Milliseconds and their ratios."""
    lines = [
        "| a client reads | yardstick | ours | reference | of the yardstick | reference / ours | goal |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for result in results:
        yardstick = result.case.yardstick
        cells = [
            result.case.name,
            f"{milliseconds(result.median(YARDSTICK))} ({yardstick.name})" if yardstick else MISSING,
            milliseconds(result.median(OURS)),
            milliseconds(result.median(REFERENCE)),
            percent(result.ratio(YARDSTICK, OURS)),
            times(result.ratio(REFERENCE, OURS)),
            goal(result),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def milliseconds(seconds: float | None) -> str:
    """Without digits that mean nothing."""
    if seconds is None:
        return MISSING
    value = seconds * 1e3
    return f"{value:.0f} ms" if value >= 100 else f"{value:.3g} ms"


def percent(ratio: float | None) -> str:
    return MISSING if ratio is None else f"{ratio:.0%}"


def goal(result: Times) -> str:
    """What we want, and whether it is so."""
    case = result.case
    if case.of_yardstick:
        assert case.yardstick
        ratio = result.ratio(YARDSTICK, OURS)
        reached = None if ratio is None else ratio >= case.of_yardstick
        wanted = f"{case.of_yardstick:.0%} of {case.yardstick.name}"
    elif case.above_yardstick:
        more = result.difference(OURS, YARDSTICK)
        reached = None if more is None else more < case.above_yardstick
        wanted = f"less than {case.above_yardstick * 1e3:g} ms above" + ("" if more is None else f" ({more * 1e3:.2f})")
    elif case.times_better:
        ratio = result.ratio(REFERENCE, OURS)
        reached = None if ratio is None else ratio >= case.times_better
        wanted = f"at least {case.times_better:g} times better"
    else:
        return MISSING
    return judged(wanted, reached)


def judged(wanted: str, reached: bool | None) -> str:  # noqa: FBT001 - the words that it stands for are its result
    return wanted if reached is None else f"{wanted}: {'reached' if reached else 'missed'}"


def totals_table(results: Sequence[Times], clients: Clients) -> str:
    """Requests, memory, and the start."""
    extra, connected = clients.extra, clients.connected
    small = extra[0] < client_cases.EXTRA_MEMORY
    rows = [
        *(requests_row(result) for result in results if result.case in client_cases.COUNTED),
        ("extra memory while reading 256 MiB", *(optional(mebibytes, size) for size in extra),
         judged(f"under {mebibytes(client_cases.EXTRA_MEMORY)}", small)),
        ("a new interpreter until it is connected", *(optional(milliseconds, time) for time in connected), MISSING),
    ]  # fmt: skip
    lines = ["| a client | ours | reference | goal |", "|---|---:|---:|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def requests_row(result: Times) -> tuple[str, str, str, str]:
    """How many requests it takes: the mean of the last round."""
    own, other = result.requests.get(OURS), result.requests.get(REFERENCE)
    most = client_cases.MOST_REQUESTS.get(result.case.name)
    reached = None if own is None or most is None else own <= most
    wanted = MISSING if most is None else judged(f"at most {most}", reached)
    return f"requests: {result.case.name}", optional(number, own), optional(number, other), wanted


def number(count: float) -> str:
    return f"{count:g}"


def optional(format_one, value: float | None) -> str:
    return MISSING if value is None else format_one(value)
