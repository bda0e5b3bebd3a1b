"""The tree that catalogs are measured with: a large container, and nodes at every depth below the root.

`scans` holds as many nodes as the catalog's size says. Besides, there are a tenth as many in containers that lie one in
the other, the same number at each depth from one to six. Every node is a small array in a file of its own that is only
registered, with metadata as a scan has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SCANS = "scans"
LEVELS = ("facility", "beamline", "year", "month", "proposal")
DEPTHS = range(1, len(LEVELS) + 2)
SIDE = 8  # of each array
PROPOSALS = 100  # each has one node in a hundred
ELEMENTS = ("Co", "Cu", "Fe", "Mn", "Ni", "Ti", "V", "Zn")
SAMPLES = 997
FAR_APART = 7919  # so that neighbours differ in what they belong to
FIRST = 10_000_000  # so that numbers have as many digits, and are in one order however they are compared


@dataclass(frozen=True)
class Shelf:
    """A container, by the keys that lead to it, and how many arrays it holds."""

    keys: tuple[str, ...]
    count: int


def shelves(size: int) -> Iterator[Shelf]:
    """All containers, those above others first."""
    each = at_each_depth(size)
    for depth in DEPTHS:
        yield Shelf(LEVELS[: depth - 1], each)
    yield Shelf((SCANS,), size)


def at_each_depth(size: int) -> int:
    """How many nodes there are at each depth, besides the large container."""
    return max(1, size // 10 // len(DEPTHS))


def key_of(number: int) -> str:
    return f"scan-{number:07}"


def metadata_of(number: int) -> dict[str, Any]:
    """Texts, numbers, a list, a truth value and an inner mapping, as a scan has them."""
    return {
        "number": FIRST + number,
        "proposal": proposal(number * FAR_APART),
        "element": ELEMENTS[number * FAR_APART // PROPOSALS % len(ELEMENTS)],
        "sample": {"name": sample(number), "temperature": 293.15 + number * FAR_APART % 1000 / 10},
        "motors": ["theta", "energy"],
        "good": number % 10 != 0,
    }


def proposal(number: int) -> str:
    return f"P-{number % PROPOSALS:03}"


def sample(number: int) -> str:
    """Two words, one of which few nodes have."""
    return f"foil s{number % SAMPLES:03}"


def uri_of(keys: tuple[str, ...], number: int) -> str:
    """Where the file of a node would lie: nobody looks until its data are read."""
    return f"file://localhost/data/{'/'.join((*keys, key_of(number)))}.npy"
