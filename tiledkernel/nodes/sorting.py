"""The order of a listing: what `sort` asks for, and what it means on every backend.

Values are ordered by type (booleans, numbers, strings, lists, objects), numbers by size and strings by code point.
Nodes without the key, or with null there, come last whether the order is ascending or descending. Nodes that are
equal so far stay in the order of their insertion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct

from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.nodes import values
from tiledkernel.nodes.protocols import Node

MAX_KEYS = 32
_GRAMMAR = re.compile(r"(?:[+-][a-zA-Z0-9_.]*|[a-zA-Z0-9_.]+)?")


class SortKey(Struct, frozen=True):
    """One key of an order: the place of insertion, the child's key, or a dotted key of its metadata."""

    by: Literal["place", "key", "metadata"]
    name: str = ""
    descending: bool = False

    @property
    def by_place(self) -> bool:
        """Whether this is the order of insertion, for which no child needs to be looked at."""
        return self.by == "place"


def parse_sort(texts: Sequence[str]) -> list[SortKey]:
    """The order that repeated `sort` parameters ask for, most important key first.

    Unprocessable if one is malformed; BadRequest if a key is given twice, or the default order not last.
    """
    given = [text for text in texts if text]
    if len(given) > MAX_KEYS:
        raise BadRequest(f"{len(given)} sort keys are too many: at most {MAX_KEYS} are taken")
    keys = [_parse_key(text) for text in given]
    for position, key in enumerate(keys):
        if any((key.by, key.name) == (other.by, other.name) for other in keys[:position]):
            raise BadRequest(f"sort={given[position]!r} names a key for the second time: give each key once")
        if given[position] in ("+", "-") and position + 1 < len(keys):
            raise BadRequest(f"sort={given[position]!r} stands for the default order and must be the last sort key")
    decided = next((position for position, key in enumerate(keys) if key.by_place), len(keys))
    return keys[: decided + 1]  # no two nodes have one place: what follows it can decide nothing


def _parse_key(text: str) -> SortKey:
    if not _GRAMMAR.fullmatch(text):
        raise Unprocessable(
            f"sort={text[:80]!r} is not understood: expected a metadata key such as 'sample.name', or 'id', "
            "with '-' before it for descending order",
            "query", "sort", value=text[:80], kind="string_pattern_mismatch",
        )  # fmt: skip
    descending = text[0] == "-"
    name = text.lstrip("+-")
    if name in ("", "_"):
        return SortKey("place", "", descending)
    if name == "id":
        return SortKey("key", "", descending)
    return SortKey("metadata", name.removeprefix("metadata."), descending)


def sort_children(children: Iterable[tuple[str, Node]], keys: Sequence[SortKey]) -> list[tuple[str, Node]]:
    """The children, given in the order of their insertion, in the order that `keys` describe."""
    ordered = list(children)
    for key in reversed(keys):  # sorting is stable, so the most important key comes last
        ordered = _sort(ordered, key)
    return ordered


def _sort(children: list[tuple[str, Node]], key: SortKey) -> list[tuple[str, Node]]:
    if key.by == "place":
        return children[::-1] if key.descending else children
    if key.by == "key":
        return sorted(children, key=lambda child: child[0], reverse=key.descending)
    present: list[tuple[tuple[int, Any], tuple[str, Node]]] = []
    absent: list[tuple[str, Node]] = []
    for child in children:
        value = values.look_up(child[1].metadata, key.name)
        if value is values.MISSING or value is None:
            absent.append(child)
        else:
            present.append((values.order(value), child))
    present.sort(key=lambda pair: pair[0], reverse=key.descending)  # also stable when reversed
    return [child for _, child in present] + absent
