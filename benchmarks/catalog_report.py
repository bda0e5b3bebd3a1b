"""The measurements of catalogs as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import catalog_cases
from catalog_cases import FLAT, GLANCE
from catalog_measure import REFERENCE, Cost, Costs, Glance
from registration import NPY, Registered
from report import MISSING, milliseconds, times
from writing import OURS


def spaced(count: int) -> str:
    """A large number as people read it."""
    return f"{count:,}".replace(",", " ")


def verdict(wanted: str, reached: object) -> str:
    """A goal, and whether it is reached; None if that is not known."""
    return wanted if reached is None else f"{wanted}: {'reached' if reached else 'missed'}"


def requests_table(results: Sequence[Costs]) -> str:
    """CPU and time of each request, and how much less than the reference's."""
    lines = [
        "| | ours, CPU | ours, wall | reference, CPU | reference, wall | reference / ours, CPU | goal |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for result in results:
        ratio, least = result.ratio(REFERENCE, OURS), result.case.at_least_times_better
        cells = [
            result.case.name,
            milliseconds(result.cpu(OURS)), milliseconds(result.wall(OURS)),
            milliseconds(result.cpu(REFERENCE)), milliseconds(result.wall(REFERENCE)),
            times(ratio),
            verdict(f"{least:g} times", None if ratio is None else ratio >= least) if least else MISSING,
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def flatness_table(results: Sequence[Costs], sizes: Mapping[str, int]) -> str:
    """What look-ups cost by the size of the catalog and by depth, and how much more than the cheapest of all."""
    lines = [
        f"| | {' | '.join(f'{spaced(size)} nodes' for size in sizes.values())} | most / least | goal |",
        f"|---|{'---:|' * len(sizes)}---:|---|",
    ]
    lines += [_flat_row(result.case.name, [result.cpu(who) for who in sizes]) for result in results]
    by_depth = [_spread([result.cpu(who) for result in results[1:]]) for who in sizes]
    cells = ["most / least of all depths", *map(times_exactly, by_depth), times_exactly(max(by_depth))]
    lines.append(f"| {' | '.join(cells)} | {verdict(f'at most {FLAT:g}', max(by_depth) <= FLAT)} |")
    return "\n".join(lines)


def _flat_row(name: str, cpu: Sequence[float | None]) -> str:
    spread = _spread(cpu)
    cells = [name, *map(milliseconds, cpu), times_exactly(spread), verdict(f"at most {FLAT:g}", spread <= FLAT)]
    return f"| {' | '.join(cells)} |"


def _spread(found: Sequence[float | None]) -> float:
    known = [each for each in found if each]
    return max(known) / min(known) if known else float("nan")


def times_exactly(ratio: float) -> str:
    return f"{ratio:.2f}"


def other_table(creating: Mapping[str, Cost], glances: Sequence[Glance], size: int) -> str:
    """Making nodes, and what one sees at a glance."""
    own, other = creating[OURS], creating.get(REFERENCE)
    ratio = other.cpu / own.cpu if other else None
    lines = [
        "| | ours, CPU | ours, wall | reference, CPU | reference, wall | reference / ours, CPU | goal |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    rows = [
        [
            "make a node with room for an array", *_cells(own), *_cells(other), times(ratio),
            verdict(f"{catalog_cases.CREATE:g} times", None if ratio is None else ratio >= catalog_cases.CREATE),
        ],
        *(
            [
                f"{glance.name} of {spaced(size)} children", *_cells(glance.cost), *_cells(None), MISSING,
                verdict(f"under {GLANCE:g} ms of CPU", glance.cost.cpu < GLANCE),
            ]
            for glance in glances
        ),
    ]  # fmt: skip
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _cells(cost: Cost | None) -> list[str]:
    return [MISSING, MISSING] if cost is None else [milliseconds(cost.cpu), milliseconds(cost.wall)]


def registration_table(results: Mapping[str, Sequence[Registered]]) -> str:
    """How many files each registers in a second, and what a file costs."""
    lines = [
        "| registering | files | whole command | one file | files/s beyond it | command, CPU | server, CPU | goal |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    lines += [_registration_row(who, each) for who, found in results.items() for each in found]
    return "\n".join(lines)


def _registration_row(who: str, found: Registered) -> str:
    wanted = f"{catalog_cases.FILES}/s" if who == OURS and found.kind == NPY else ""
    cells = [
        f"{found.kind}, {who}",
        str(found.files),
        f"{found.whole.wall:.2f} s",
        f"{found.start.wall:.2f} s",
        MISSING if found.rate is None else f"{found.rate:.0f}",
        f"{found.command:.2f} ms/file",
        f"{found.server:.2f} ms/file",
        verdict(wanted, found.rate and found.rate >= catalog_cases.FILES) if wanted else MISSING,
    ]
    return f"| {' | '.join(cells)} |"
