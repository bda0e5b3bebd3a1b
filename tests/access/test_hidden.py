"""What one may not read is absent, wherever one looks: in memory, on SQLite and on PostgreSQL alike.

Trees, tags and callers are drawn at random; what each caller is told is compared with what the policy says of each
node alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest

from tiledkernel.access.scopes import ALL_SCOPES, READ_DATA, READ_METADATA
from tiledkernel.access.viewer import Viewer
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.writing import Draft
from tiledkernel.queries import AccessTagsFilter, Eq, In

from .conftest import viewer

Path = tuple[str, ...]
TAGS = ("red", "green", "blue", "public")
COLORS = ("red", "green", "blue")


class Given:
    """A policy of tables: who -> tag -> scopes."""

    def __init__(self, table: dict[str, dict[str, frozenset[str]]]) -> None:
        self.table = table
        self.changes = 0

    def revision(self) -> int:
        return self.changes

    def allowed_scopes(self, node: Any, viewer: Viewer) -> frozenset[str]:
        mine = self.table.get(viewer.name, {})
        return frozenset().union(*(mine.get(tag, frozenset()) for tag in node.access_tags))

    def filters(self, viewer: Viewer, scopes: frozenset[str]) -> Sequence[Any] | None:
        mine = self.table.get(viewer.name, {})
        return [AccessTagsFilter([tag for tag, given in mine.items() if scope in given]) for scope in sorted(scopes)]

    def init_node(self, viewer: Viewer, access_tags: frozenset[str] | None) -> frozenset[str]:
        return access_tags or frozenset()


class Asked(Given):
    """The same, but that it has no queries, and may change its mind at any time."""

    revision = None

    def filters(self, viewer: Viewer, scopes: frozenset[str]) -> None:
        return None


class ByColor(Given):
    """Goes by metadata: a node is for those who like its colour, and its data for those whose name is in it."""

    revision = None

    def allowed_scopes(self, node: Any, viewer: Viewer) -> frozenset[str]:
        seen = node.metadata.get("color") in self.table.get(viewer.name, {})
        return frozenset({READ_METADATA, *([READ_DATA] if node.metadata.get("open") else [])}) if seen else frozenset()

    def filters(self, viewer: Viewer, scopes: frozenset[str]) -> Sequence[Any]:
        return [
            In("color", list(self.table.get(viewer.name, {}))),
            *([Eq("open", value=True)] if READ_DATA in scopes else []),
        ]


class Grown:
    """A random tree: what each node is."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.nodes: dict[Path, dict[str, Any]] = {}
        self._grow((), 0)

    def _grow(self, path: Path, depth: int) -> None:
        for number in range(self.chance.randint(0 if depth else 3, 4)):
            key = f"k{number}"
            tags = self.chance.sample(TAGS, self.chance.randint(0, 2))
            container = depth < 3 and self.chance.random() < 0.7
            metadata = {"color": self.chance.choice(COLORS), "open": self.chance.random() < 0.5}
            self.nodes[*path, key] = {"tags": tags, "container": container, "metadata": metadata}
            if container:
                self._grow((*path, key), depth + 1)

    def children(self, path: Path) -> Iterator[Path]:
        return (other for other in self.nodes if other[:-1] == path)

    def in_memory(self, path: Path = ()) -> Any:
        """The tree as live objects; leaves are containers too, since arrays in memory carry no tags."""
        children = {other[-1]: self.in_memory(other) for other in self.children(path)}
        node = self.nodes.get(path)
        if node is None:
            return MemoryContainer(children)
        return MemoryContainer(children, metadata=node["metadata"], access_tags=node["tags"])

    def put(self, catalog: Any) -> None:
        """The tree in a catalog."""
        places = {(): catalog}
        for path, node in self.nodes.items():
            draft = Draft(key=path[-1], metadata=node["metadata"], access_tags=node["tags"])
            (places[path],) = places[path[:-1]].create([draft])


class Node:
    def __init__(self, said: dict[str, Any]) -> None:
        self.access_tags = frozenset(said["tags"])
        self.metadata = said["metadata"]


def visible(grown: Grown, policy: Given, who: Viewer, scopes: frozenset[str]) -> set[Path]:
    """By the definition: the policy allows it, for the node and all that it is in."""
    found = set()
    for path, said in grown.nodes.items():
        above = all(path[:length] in found for length in range(1, len(path)))
        if above and scopes <= policy.allowed_scopes(Node(said), who):
            found.add(path)
    return found


def table(chance: random.Random, *, kind: type[Given]) -> dict[str, dict[str, frozenset[str]]]:
    """Who gets which scopes by which tags, or likes which colours."""
    names, words = ("alice", "bob", "cara"), COLORS if kind is ByColor else TAGS
    choices = [frozenset({READ_METADATA}), frozenset({READ_METADATA, READ_DATA}), frozenset({READ_DATA}), ALL_SCOPES]
    rules = {
        name: {word: chance.choice(choices) for word in chance.sample(words, chance.randint(0, 3))} for name in names
    }
    if kind is not ByColor:
        rules["public"] = {"public": frozenset({READ_METADATA, READ_DATA})}
    return rules


def all_pages(server: Any, who: str | None, path: str, **query: Any) -> tuple[list[Any], int]:
    """What a listing shows, page by page, and the count that it tells."""
    found: list[Any] = []
    place = f"{path}?{urlencode({'page[limit]': 2} | query)}"
    counts = []
    while place:
        answer = server.get(who, place)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        found += document["data"]
        counts.append(document["meta"]["count"])
        following = document["links"]["next"]
        place = following and f"{following.removeprefix(str(server.context.api_uri))}&{urlencode(query)}"
    return found, counts[0]


POLICIES = [Given, Asked, ByColor]
SEEDS = range(3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", POLICIES)
def test_a_catalog_shows_exactly_what_the_policy_allows_of_each_node(serve, catalog, kind, seed) -> None:
    chance = random.Random(seed)
    grown, policy = Grown(chance), kind(table(chance, kind=kind))
    grown.put(catalog)
    compare(serve, catalog, grown, policy)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", POLICIES)
def test_a_tree_in_memory_shows_exactly_what_the_policy_allows_of_each_node(serve, kind, seed) -> None:
    chance = random.Random(seed)
    grown, policy = Grown(chance), kind(table(chance, kind=kind))
    compare(serve, grown.in_memory(), grown, policy)


def compare(serve: Any, tree: Any, grown: Grown, policy: Given) -> None:
    viewers = {name: viewer(name) for name in ("alice", "bob", "cara")}
    server = serve(tree, policy, viewers)
    for who, known in [*viewers.items(), (None, viewer("public", principal=None))]:
        seen = visible(grown, policy, known, frozenset({READ_METADATA}))
        readable = visible(grown, policy, known, frozenset({READ_METADATA, READ_DATA}))
        check_nodes(server, who, grown, seen)
        for container in [(), *seen]:
            check_container(server, who, container, seen)
        check_deep(server, who, seen)
        check_exports(server, who, grown, seen, readable)


def check_nodes(server: Any, who: str | None, grown: Grown, seen: set[Path]) -> None:
    for path in grown.nodes:
        answer = server.get(who, f"metadata/{'/'.join(path)}")
        missing = server.get(who, f"metadata/{'/'.join((*path[:-1], 'nope'))}")
        assert answer.status_code == (200 if path in seen else 404), (who, path)
        assert missing.status_code == 404
        if path not in seen and path[:-1] in {(), *seen}:
            said = missing.json()["detail"].replace(repr([*path[:-1], "nope"]), repr(list(path)))
            assert answer.json()["detail"] == said


def check_container(server: Any, who: str | None, path: Path, seen: set[Path]) -> None:
    place = "/".join(path)
    expected = sorted(other[-1] for other in seen if other[:-1] == path)
    resource = server.get(who, f"metadata/{place}").json()["data"]
    assert resource["attributes"]["structure"]["count"] == len(expected)
    for query in ({}, {"sort": "-color"}, {"fields": ""}):
        if query.get("sort"):
            document = server.get(who, f"search/{place}", params=query).json()
            found, count = document["data"], document["meta"]["count"]
        else:
            found, count = all_pages(server, who, f"search/{place}", **query)
        assert (sorted(item["id"] for item in found), count) == (expected, len(expected)), query
        if not query:
            inner = {item["id"]: item["attributes"]["structure"]["count"] for item in found}
            assert inner == {key: len([1 for other in seen if other[:-1] == (*path, key)]) for key in expected}
    summary = server.get(who, f"distinct/{place}", params={"structure_families": True, "counts": True}).json()
    assert sum(each["count"] for each in summary["structure_families"]) == len(expected)


def check_deep(server: Any, who: str | None, seen: set[Path]) -> None:
    found, count = all_pages(server, who, "search-deep/", fields="metadata")
    paths = {(*item["attributes"]["ancestors"], item["id"]) for item in found}
    assert (paths, len(found)) == (seen, len(seen))
    assert count <= len(seen)
    assert server.get(who, "search-deep/", params={"fields": "count"}).json()["meta"]["count"] == len(seen)


def check_exports(server: Any, who: str | None, grown: Grown, seen: set[Path], readable: set[Path]) -> None:
    whole = server.get(who, "container/full/", params={"format": "json"})
    assert whole.status_code == 200
    assert exported(whole.json()) == readable
    for path in seen:
        answer = server.get(who, f"container/full/{'/'.join(path)}", params={"format": "json"})
        governed = path in seen and READ_DATA in grant(server, who, grown, path)
        assert answer.status_code == (200 if governed else 403), (who, path)
        if governed:
            below = {path + other for other in exported(answer.json())}
            assert below == below_readable(grown, server, who, path)


def grant(server: Any, who: str | None, grown: Grown, path: Path) -> frozenset[str]:
    known = server.app.state.service.accounts.viewers.get(who, viewer("public", principal=None))
    return server.app.state.service.sights.policy.allowed_scopes(Node(grown.nodes[path]), known)


def below_readable(grown: Grown, server: Any, who: str | None, top: Path) -> set[Path]:
    """What lies below a readable node, reached through readable nodes only."""
    found = {top}
    for path in grown.nodes:
        wanted = {READ_METADATA, READ_DATA}
        if len(path) > len(top) and path[:-1] in found and wanted <= grant(server, who, grown, path):
            found.add(path)
    return found - {top}


def exported(document: Any, path: Path = ()) -> set[Path]:
    found = set()
    for key, inner in (document.get("contents") or {}).items():
        found |= {(*path, key)} | exported(inner, (*path, key))
    return found
