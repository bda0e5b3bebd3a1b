"""What is asked of the servers, and what we want to reach."""

from __future__ import annotations

from dataclasses import dataclass, field

BARE, OURS_MEMORY, OURS_FILES, REFERENCE_MEMORY, REFERENCE_FILES = (
    "bare", "ours, memory", "ours, files", "reference, memory", "reference, files",
)  # fmt: skip
API = "/api/v1"


@dataclass(frozen=True)
class Case:
    """One request, put to our server and to the reference; goals are ratios of CPU time, 0 for none."""

    name: str
    path: str
    memory: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    at_most_times_bare: float = 0
    at_least_times_better: float = 0

    @property
    def servers(self) -> tuple[str, str]:
        """Which of our servers answers, and which of the reference's."""
        return (OURS_MEMORY, REFERENCE_MEMORY) if self.memory else (OURS_FILES, REFERENCE_FILES)


CASES = (
    Case("block from memory", f"{API}/array/block/block?block=0,0", memory=True, at_most_times_bare=3),
    Case("block of an HDF5 dataset", f"{API}/array/block/data/plain?block=1,1", at_least_times_better=100),
    Case("block of a gzip'ed HDF5 dataset", f"{API}/array/block/data/gzip?block=1,1", at_least_times_better=100),
    Case(
        "the same, client accepts deflate",
        f"{API}/array/block/data/gzip?block=1,1",
        headers={"Accept-Encoding": "deflate"},
        at_least_times_better=100,
    ),
    Case("slice across 4 blocks of HDF5", f"{API}/array/full/data/plain?slice=32:96,32:96", at_least_times_better=100),
    Case("one TIFF image of a sequence", f"{API}/array/full/frame?slice=7", at_least_times_better=100),
    Case("metadata of a node", f"{API}/metadata/data/plain", at_least_times_better=100),
)
LARGE = f"{API}/array/full/large"

# Goals of the cases that are no load.
LARGE_SPEED = 0.9  # of plain TCP
LARGE_GROWTH = 64 << 20  # bytes
READY = 1.5  # seconds
IDLE = 90 << 20  # bytes
IMPORT = 0.150  # seconds


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds, seconds of each, requests at most."""

    rounds: int
    seconds: float
    count: int
    connections: int = 4
    warm_up: int = 20


FULL = Effort(rounds=5, seconds=0.5, count=20_000)
QUICK = Effort(rounds=1, seconds=0.15, count=200, warm_up=4)
START_OF_REFERENCE = Effort(rounds=1, seconds=0, count=0)  # it takes half a minute
