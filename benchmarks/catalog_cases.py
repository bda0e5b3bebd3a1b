"""What is asked of a server with a large catalog, and what we want to reach."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import catalog_tree
from catalog_tree import DEPTHS, LEVELS, PROPOSALS, SAMPLES, SCANS, key_of

API = "/api/v1"
SIZES = (10_000, 100_000, 1_000_000)
COMPARED = 100_000  # nodes in the container that the reference has, too
PAGE = 100
PICKS = 4000  # different requests for single nodes in a round: hardly one is asked for twice
FEW_PICKS = 20  # for pages
MANY = 4  # connections, for what costs little beside waking up for it

# Goals: times less CPU time than the reference, 0 for none; and the others.
LOOK_UP, PAGES, INDEXED, CREATE = 100.0, 50.0, 20.0, 10.0
FLAT = 1.3  # times as costly: the most that depth or size may make of a look-up
GLANCE = 5.0  # milliseconds that the server spends on what one sees of a large container at a glance
FILES = 2000  # that are registered in a second

Get: TypeAlias = Callable[[str], Any]  # the decoded answer to a path
Make: TypeAlias = Callable[[Get, Random, int], list[str]]  # paths to ask for, of a catalog of some size


@dataclass(frozen=True)
class Case:
    """One kind of request, over so many connections; how many times less than the reference it is to cost.

    `counted` says whether the answer holds the exact count of all that was found.
    """

    name: str
    paths: Make
    at_least_times_better: float = 0.0
    connections: int = 1
    counted: bool = True


def look_up(depth: int) -> Case:
    """Random nodes at one depth."""

    def paths(get: Get, random: Random, size: int) -> list[str]:
        del get
        count = catalog_tree.at_each_depth(size)
        return [_node(*LEVELS[: depth - 1], key_of(random.randrange(count))) for _ in range(PICKS)]

    return Case(f"look-up at depth {depth}", paths, LOOK_UP, MANY)


def _any_scan(get: Get, random: Random, size: int) -> list[str]:
    del get
    return [_node(SCANS, key_of(random.randrange(size))) for _ in range(PICKS)]


def _node(*keys: str) -> str:
    return f"{API}/metadata/{'/'.join(keys)}"


def _search(parameters: Mapping[str, Any]) -> str:
    return f"{API}/search/{SCANS}?{urlencode({**parameters, 'page[limit]': PAGE}, safe='[]')}"


def _pages(content: str, fields: Mapping[str, str], goal: float) -> list[Case]:
    """The first page, pages in the middle, found in two ways, and the last one."""

    def at(offset: int) -> str:
        return _search({**fields, "page[offset]": offset})

    def first(get: Get, random: Random, size: int) -> list[str]:
        del get, random, size
        return [_search(fields)]

    def linked(get: Get, random: Random, size: int) -> list[str]:
        links = (get(at(random.randrange(size - 2 * PAGE)))["links"]["next"] for _ in range(FEW_PICKS))
        return [_search({**fields, **dict(parse_qsl(urlsplit(link).query))}) for link in links]

    def middle(get: Get, random: Random, size: int) -> list[str]:
        del get
        return [at(random.randrange(size - PAGE)) for _ in range(FEW_PICKS)]

    def last(get: Get, random: Random, size: int) -> list[str]:
        del get, random
        return [at(size - PAGE)]

    places = {"the first": first, "one that was linked to": linked, "any, by offset": middle, "the last": last}
    counted = "fields" not in fields
    return [Case(f"page of {PAGE} {content}: {place}", make, goal, counted=counted) for place, make in places.items()]


def _equal(get: Get, random: Random, size: int) -> list[str]:
    del get, size
    values = (json.dumps(catalog_tree.proposal(random.randrange(PROPOSALS))) for _ in range(FEW_PICKS))
    return [_search({"filter[eq][condition][key]": "proposal", "filter[eq][condition][value]": it}) for it in values]


def _words(get: Get, random: Random, size: int) -> list[str]:
    del get, size
    samples = (catalog_tree.sample(random.randrange(SAMPLES)) for _ in range(FEW_PICKS))
    return [_search({"filter[fulltext][condition][text]": words}) for words in samples]


def _always(path: str) -> Make:
    return lambda _get, _random, _size: [path]


def _distinct(key: str) -> Make:
    return _always(f"{API}/distinct/{SCANS}?metadata={key}&counts=true")


LOOK_UPS = (Case("look-up in the large container", _any_scan, LOOK_UP, MANY), *map(look_up, DEPTHS))
LISTINGS = (
    *_pages("nodes", {}, PAGES),
    *_pages("keys", {"fields": ""}, 0.0),
    Case("equality that 1 % of the nodes meet, page and count", _equal, INDEXED),
    Case("`distinct` with counts, 8 values", _distinct("element"), INDEXED),
    Case("`distinct` with counts, 100 values", _distinct("proposal"), INDEXED),
    Case("sorted by a number, descending", _always(_search({"sort": "-number"})), 0.0),
    Case("two words that 0.1 % of the nodes have", _words, 0.0),
)


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds, seconds of each, requests of each at most; patience with the reference."""

    rounds: int
    seconds: float
    count: int
    creations: int
    patience: float = 10.0  # seconds that the reference gets for one case, once all rounds were begun with it


FULL = Effort(rounds=5, seconds=0.5, count=4000, creations=200)
QUICK = Effort(rounds=1, seconds=0.1, count=20, creations=3)
