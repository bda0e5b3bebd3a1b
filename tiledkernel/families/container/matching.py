"""Which children of a container match some filters, and what they look like from outside.

A child that fails when it is looked at matches nothing and has no metadata: it hurts no listing but its own line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tiledkernel import wire
from tiledkernel.nodes.protocols import Narrowing, Ordering, Paging
from tiledkernel.nodes.sorting import SortKey, sort_children
from tiledkernel.server.blame import FAILURES, Blaming
from tiledkernel.server.filters import Filter
from tiledkernel.server.request import Request
from tiledkernel.server.resolve import Entry
from tiledkernel.specs import Spec


class Seen(Struct, frozen=True):
    """A child as sorting and summaries see it, taken while its guard was held."""

    family: str
    metadata: Mapping[str, Any]
    specs: Sequence[Spec]


_UNSEEN = Seen("", {}, ())


def narrowed(entry: Entry, filters: list[Filter]) -> tuple[Entry, list[Filter]]:
    """A container after the queries that it runs itself, and the filters that are left."""
    if not filters or not isinstance(entry.node, Narrowing):
        return entry, filters
    node, queries = entry.node.narrow([filter_.query for filter_ in filters])
    left = [filter_ for filter_ in filters if any(filter_.query is query for query in queries)]
    return entry.showing(node), left


def matching(request: Request, filters: list[Filter]) -> Iterator[tuple[str, Entry]]:
    """The children that match all filters, in the order of the container."""
    return _matching(request, *narrowed(request.entry, filters))


def _matching(request: Request, parent: Entry, filters: list[Filter]) -> Iterator[tuple[str, Entry]]:
    for key, child in request.service.resolver.children(parent, _candidates(filters)):
        if matches(filters, child):
            yield key, child


def paging(request: Request, filters: list[Filter], order: list[SortKey]) -> Entry | None:
    """The container of what matches, in order, if it can be asked for pages; None if its keys must be gone through."""
    parent, left = narrowed(request.entry, filters)
    if left or not isinstance(parent.node, Paging):
        return None
    node: Any = parent.node
    if order:
        node = node.ordered(order) if isinstance(node, Ordering) else None
    if not isinstance(node, Paging):
        return None
    return parent.showing(node)


def matching_keys(request: Request, filters: list[Filter], order: list[SortKey]) -> list[str]:
    """Keys of the children that match, in order; children are looked at only if a filter or the order needs it."""
    parent, filters = narrowed(request.entry, filters)
    if not filters and all(key.by_place for key in order):
        keys = list(parent.node.keys())
        return keys[::-1] if order and order[-1].descending else keys
    if not filters and isinstance(parent.node, Ordering) and (ordered := parent.node.ordered(order)) is not None:
        return list(ordered.keys())
    if all(key.by != "metadata" for key in order):
        children = [(key, _UNSEEN) for key, _ in _matching(request, parent, filters)]
    else:
        children = [(key, seen(child) or _UNSEEN) for key, child in _matching(request, parent, filters)]
    return [key for key, _ in sort_children(children, order)]


def seen(child: Entry) -> Seen | None:
    """What a child says of itself; None if it fails."""
    node = child.node
    try:
        with child.guard, Blaming(child):
            metadata = node.metadata if child.file is None else wire.plain(node.metadata)
            return Seen(node.family, metadata, node.specs)
    except FAILURES:
        return None


def _candidates(filters: list[Filter]) -> Iterator[str] | None:
    """Only the key that a look-up asks for, if one does: the others need not be opened."""
    return next((iter([filter_.query.key]) for filter_ in filters if filter_.name == "lookup"), None)


def matches(filters: list[Filter], child: Entry) -> bool:
    """Whether a child matches all filters; one that fails, or a link that leads nowhere, does not."""
    if child.node is None:
        return False
    try:
        with child.guard, Blaming(child):
            return all(filter_(child.key, child.node) for filter_ in filters)
    except FAILURES:
        return False
