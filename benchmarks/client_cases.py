"""What clients are asked to do, beside what the machine can do at best, and what we want to reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cases import API
from samples import KEYS, MANY_ROWS, ROWS, SIDE

# The processes that do it.
OURS, OURS_ASYNC, OURS_CACHED, REFERENCE = "ours", "ours, asynchronous", "ours, with a cache", "reference"
PLAIN, PLAIN_TO_REFERENCE, FLIGHT = "plain", "plain to reference", "flight"

SIZE = 256 << 20
SLICE = 2  # elements along each axis
SLICES = 200
CORNER = f"{API}/array/full/block?slice=:{SLICE},:{SLICE}"
CSV = "?format=text/csv"


@dataclass(frozen=True)
class Job:
    """A task for one of the processes; the result has the size of the case, unless it is that of a bare request."""

    worker: str
    task: str
    arguments: tuple[Any, ...] = ()
    is_checked: bool = True


@dataclass(frozen=True)
class Yardstick:
    """What to compare ourselves with, and its name."""

    name: str
    job: Job


@dataclass(frozen=True)
class ClientCase:
    """Something that a client does; goals are 0 if there are none.

    `size` is how large the result is, in bytes, rows, keys or lines, so that nothing is fast because it is wrong.
    """

    name: str
    ours: Job
    reference: Job | None
    size: int
    yardstick: Yardstick | None = None
    count: int = 500  # repetitions in a round at most
    of_yardstick: float = 0  # speed of ours / speed of the yardstick, at least
    above_yardstick: float = 0  # seconds of ours - seconds of the yardstick, less than
    times_better: float = 0  # than the reference, at least


def both(task: str, *arguments: Any) -> dict[str, Job]:
    """The same task for our client and the reference's."""
    return {"ours": Job(OURS, task, arguments), "reference": Job(REFERENCE, task, arguments)}


def both_servers(task: str, *arguments: Any) -> dict[str, Job]:
    """The same request, without a client, to our server and to the reference's."""
    return {"ours": Job(PLAIN, task, arguments), "reference": Job(PLAIN_TO_REFERENCE, task, arguments)}


def plain_request(path: str) -> Yardstick:
    return Yardstick("bare request", Job(PLAIN, "request", (path,), is_checked=False))


PLAIN_TCP = Yardstick("plain TCP", Job(PLAIN, "fill", ("{source}", SIZE)))
ARRAY = ClientCase(
    "256 MiB into a numpy array",
    **both("array", "large"),
    size=SIZE,
    yardstick=PLAIN_TCP,
    count=2,
    of_yardstick=0.6,
)
LOOKUP = ClientCase(
    '`client["a/b/c/d/e"]`',
    **both("lookup", "a/b/c/d/e"),
    size=SIDE * SIDE * 8,
    yardstick=plain_request(f"{API}/metadata/a/b/c/d/e"),
)
LISTING = ClientCase("the keys of a container of 10 000", **both("keys", "scans"), size=KEYS, count=2)
ACROSS_CHUNKS = ClientCase(
    '`client["mosaic"][32:96, 32:96]`, across 4 chunks',
    **both("lookup_and_slice", "mosaic", SIDE // 2, SIDE + SIDE // 2),
    size=SIDE * SIDE * 8,
)
CACHED = ClientCase(
    "32 KiB again, with a cache",
    Job(OURS_CACHED, "array", ("block",)),
    None,
    size=SIDE * SIDE * 8,
    yardstick=Yardstick("without", Job(OURS, "array", ("block",))),
)
CONNECTING = ClientCase("connecting: `from_uri(...)`", **both("connect"), size=1, count=20)

CLIENT_CASES = (
    ARRAY,
    ClientCase(
        "the same, asynchronous",
        Job(OURS_ASYNC, "array", ("large",)),
        None,
        size=SIZE,
        yardstick=PLAIN_TCP,
        count=2,
    ),
    ClientCase(
        "a slice of 2 x 2",
        **both("slice", "block", SLICE),
        size=SLICE * SLICE * 8,
        yardstick=plain_request(CORNER),
        above_yardstick=0.001,
    ),
    ClientCase(
        "the same beside httpx alone",
        **both("slice", "block", SLICE),
        size=SLICE * SLICE * 8,
        yardstick=Yardstick("httpx", Job(PLAIN, "by_httpx", (CORNER,))),
    ),
    ClientCase(
        "200 slices, one after the other",
        Job(OURS, "slices", ("block", SLICES)),
        None,
        size=SLICES * 4 * 8,
        yardstick=Yardstick("bare requests", Job(PLAIN, "requests_in_turn", (CORNER, SLICES))),
        count=2,
    ),
    ClientCase(
        "200 slices at once, asynchronous",
        Job(OURS_ASYNC, "slices", ("block", SLICES)),
        None,
        size=SLICES * 4 * 8,
        yardstick=Yardstick("one after the other", Job(OURS, "slices", ("block", SLICES))),
        count=2,
    ),
    CONNECTING,
    LOOKUP,
    ACROSS_CHUNKS,
    LISTING,
    CACHED,
    ClientCase(
        "8 MB of floats into pandas",
        **both("table", "floats"),
        size=ROWS,
        yardstick=Yardstick("Arrow Flight", Job(FLIGHT, "table", ("floats",))),
        count=10,
        of_yardstick=0.5,
    ),
    ClientCase(
        "160 MB of floats into pandas",
        **both("table", "many_floats"),
        size=MANY_ROWS,
        yardstick=Yardstick("Arrow Flight", Job(FLIGHT, "table", ("many_floats",))),
        count=2,
        of_yardstick=0.5,
    ),
    ClientCase(
        "100 000 mixed rows into pandas",
        **both("table", "mixed"),
        size=ROWS,
        yardstick=Yardstick("Arrow Flight", Job(FLIGHT, "table", ("mixed",))),
        count=5,
    ),
    ClientCase(
        "CSV of 100 000 x 10 floats",
        **both_servers("lines", f"{API}/table/full/floats{CSV}"),
        size=ROWS + 1,
        count=2,
        times_better=5,
    ),
    ClientCase(
        "CSV of 100 000 x 10, mixed",
        **both_servers("lines", f"{API}/table/full/mixed{CSV}"),
        size=ROWS + 1,
        count=2,
        times_better=5,
    ),
)

# Goals of what is no matter of time.
EXTRA_MEMORY = 64 << 20  # bytes above the result itself
PAGE = 100  # keys that a server puts on a page unless told otherwise
COUNTED = (CONNECTING, LOOKUP, ACROSS_CHUNKS, LISTING, CACHED)
MOST_REQUESTS = {LOOKUP.name: 1, LISTING.name: KEYS // PAGE, ACROSS_CHUNKS.name: 2}

SECONDS = 0.2  # of a round of one who takes part, at most; but everything is done at least once

# The reference takes part in a case until it has used this many seconds, and at least once: it takes up to a hundred
# times as long as we do, and the run is to end.
PATIENCE_WITH_REFERENCE = 3.0
