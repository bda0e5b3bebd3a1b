"""Ask servers with large catalogs, by turns, and count what it costs them."""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import httpx
from catalog_cases import Case, Effort
from catalog_tree import SCANS
from load import PATIENCE, Connection
from servers import Server, Watched
from writing import KEY

HEADERS = {"authorization": f"Apikey {KEY}"}
REFERENCE = "reference"
CHECKED = 2  # answers of each case that both servers must agree on


@dataclass(frozen=True)
class Catalog:
    """A server, and how many nodes its large container has."""

    server: Server
    size: int


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one request: on the wall, and of the server's CPU."""

    wall: float
    cpu: float


@dataclass
class Costs:
    """What a case cost in each round, by who answered; and what went wrong, by whom."""

    case: Case
    rounds: dict[str, list[Cost]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def cpu(self, who: str) -> float | None:
        """The median of the rounds."""
        return median(cost.cpu for cost in self.rounds[who]) if who in self.rounds else None

    def wall(self, who: str) -> float | None:
        """The median of the rounds."""
        return median(cost.wall for cost in self.rounds[who]) if who in self.rounds else None

    def ratio(self, above: str, below: str) -> float | None:
        """The median of the ratios of the rounds in which both took part, one right after the other."""
        pairs = list(zip(self.rounds.get(above, ()), self.rounds.get(below, ()), strict=False))
        return median(more.cpu / max(less.cpu, 1e-6) for more, less in pairs) if pairs else None


def costs(cases: Sequence[Case], catalogs: Mapping[str, Catalog], effort: Effort) -> list[Costs]:
    """Of all cases; in each round, the servers answer the same kind of request one right after the other."""
    found = []
    for case in cases:
        print(f"{case.name}, of {len(catalogs)} catalogs", file=sys.stderr)
        found.append(_costs(case, catalogs, effort))
    return found


def _costs(case: Case, catalogs: Mapping[str, Catalog], effort: Effort) -> Costs:
    result = Costs(case)
    takes_part = dict(catalogs)
    spent = dict.fromkeys(catalogs, 0.0)
    _check(result, takes_part)
    for number in range(effort.rounds):
        for who, catalog in list(takes_part.items()):
            if who == REFERENCE and spent[who] > effort.patience:
                continue
            begin = time.perf_counter()
            try:
                paths = _paths(case, catalog, number)
                result.rounds.setdefault(who, []).append(cost(catalog.server, paths, case.connections, effort))
            except (RuntimeError, OSError, httpx.HTTPError) as error:
                result.failures[who] = str(error)
                del takes_part[who]
            spent[who] += time.perf_counter() - begin
    return result


def _paths(case: Case, catalog: Catalog, number: int) -> list[str]:
    """What is asked for in a round: the same picks of every server, and others in each round."""
    return case.paths(lambda path: answer(catalog.server, path), random.Random(number), catalog.size)


def cost(server: Server, paths: Iterable[str], connections: int, effort: Effort) -> Cost:
    """Ask until the time or the count is reached; of each request."""
    opened = [Connection(server.port, HEADERS) for _ in range(connections)]
    rest = itertools.cycle(paths)
    answers, before, begin = 0, server.cpu(), time.perf_counter()
    try:
        while answers < effort.count and time.perf_counter() - begin < effort.seconds:
            for connection in opened:
                connection.ask(next(rest))
            for connection in opened:
                connection.receive()
            answers += connections
        spent = time.perf_counter() - begin
        return Cost(spent * 1e3 / answers, (server.cpu() - before) * 1e3 / answers)
    finally:
        for connection in opened:
            connection.close()


def answer(server: Server, path: str) -> Any:
    """What a server says to a request."""
    response = httpx.get(f"{server.uri}{path}", headers=HEADERS, timeout=PATIENCE)
    if response.is_error:
        raise RuntimeError(f"{path}: {response.status_code} {response.text[:300]}")
    return response.json()


def _check(result: Costs, takes_part: dict[str, Catalog]) -> None:
    """Those whose answers are not what the first one says take part no more; this also warms them up."""
    said: dict[int, list[str]] = {}  # by the size of the catalog
    for who, catalog in list(takes_part.items()):
        try:
            paths = _paths(result.case, catalog, 0)[:CHECKED]
            found = [essence(answer(catalog.server, path), counted=result.case.counted) for path in paths]
        except (RuntimeError, httpx.HTTPError) as error:
            result.failures[who] = str(error)
            del takes_part[who]
            continue
        if found != said.setdefault(catalog.size, found):
            result.failures[who] = f"answers {found!r:.300} instead of {said[catalog.size]!r:.300}"
            del takes_part[who]


def essence(body: Any, *, counted: bool = True) -> str:
    """What any server must answer: the node, the keys of a page and the count, or the values and their counts."""
    if "data" not in body:
        values = body["metadata"].values()
        return json.dumps([sorted((each["value"], each["count"]) for each in found) for found in values])
    data = body["data"]
    if isinstance(data, list):
        return json.dumps([[item["id"] for item in data], body["meta"]["count"] if counted else None])
    attributes = data["attributes"]
    return json.dumps([data["id"], attributes["ancestors"], attributes["metadata"], attributes["structure"]["shape"]])


@dataclass(frozen=True)
class Glance:
    """Something that one does with a container at the client, and what it costs the server."""

    name: str
    cost: Cost


def glances(catalog: Catalog, effort: Effort) -> list[Glance]:
    """What one sees of the large container at a glance, with our client."""
    from tiledkernel.client import from_uri  # noqa: PLC0415 - those who fill catalogs need no client

    client = from_uri(catalog.server.uri, api_key=KEY)
    with closing(client.context):
        container = client[SCANS]
        actions = {"`repr(container)`": lambda: repr(container), "`container.keys().head()`": container.keys().head}
        return [Glance(name, _repeated(catalog.server, act, effort)) for name, act in actions.items()]


def _repeated(watched: Watched, act: Any, effort: Effort) -> Cost:
    act()
    spent: list[float] = []
    before = watched.cpu()
    while len(spent) < effort.count and sum(spent) < 2 * effort.seconds:
        begin = time.perf_counter()
        act()
        spent.append(time.perf_counter() - begin)
    return Cost(median(spent) * 1e3, (watched.cpu() - before) * 1e3 / len(spent))
