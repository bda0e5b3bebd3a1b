"""Which children of a container match some filters, and what they look like from outside.

A child that fails when it is looked at matches nothing and has no metadata: it hurts no listing but its own line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tiledkernel import wire
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


def matching(request: Request, filters: list[Filter]) -> Iterator[tuple[str, Entry]]:
    """The children that match all filters, in the order of the container."""
    for key, child in request.service.resolver.children(request.entry, _candidates(filters)):
        if child.node is not None and _matches(filters, key, child):
            yield key, child


def matching_keys(request: Request, filters: list[Filter], order: list[SortKey]) -> list[str]:
    """Keys of the children that match, in order; children are looked at only if a filter or the order needs it."""
    if not filters and all(key.by_place for key in order):
        keys = list(request.entry.node.keys())
        return keys[::-1] if order and order[-1].descending else keys
    if all(key.by != "metadata" for key in order):
        children = [(key, _UNSEEN) for key, _ in matching(request, filters)]
    else:
        children = [(key, seen(child) or _UNSEEN) for key, child in matching(request, filters)]
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


def _matches(filters: list[Filter], key: str, child: Entry) -> bool:
    try:
        with child.guard, Blaming(child):
            return all(filter_(key, child.node) for filter_ in filters)
    except FAILURES:
        return False
