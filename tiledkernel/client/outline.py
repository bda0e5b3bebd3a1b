"""Print a tree of keys."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from tiledkernel.families.container.client import Container

T = TypeVar("T")


def tree(node: Mapping[str, Any], max_lines: int | None = 20) -> None:
    """Print the keys of a container, and of those in it, one a line.

    Parameters
    ----------
    node
        A container, or any mapping.
    max_lines
        Where to stop; None prints everything.

    Examples
    --------
    >>> tree(client)
    ├── A
    │   ├── B
    │   └── C
    └── D
    """
    lines = list(islice(gen_tree(node), None if max_lines is None else max_lines + 1))
    if not lines:
        _print("<Empty>")
    for line in lines[:max_lines]:
        _print(line)
    if max_lines is not None and len(lines) > max_lines:
        _print(f"<Output truncated at {max_lines} lines. Adjust tree's max_lines parameter to see more.>")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


def gen_tree(node: Mapping[str, Any]) -> Iterator[str]:
    """The lines that `tree` prints."""
    yield from _lines(node, "")


def _lines(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for (key, child), last in _mark_last(_children(node)):
        yield f"{prefix}{'└── ' if last else '├── '}{key}"
        if child is not None:
            yield from _lines(child, prefix + ("    " if last else "│   "))


def _children(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Keys with the mappings that have children of their own; data are not touched."""
    if not isinstance(node, Container):
        yield from ((key, child if isinstance(child, Mapping) else None) for key, child in node.items())
        return
    for item in node.descriptions():
        holds_nodes = item["attributes"]["structure_family"] == "container"
        yield item["id"], Container(node.context, item=item) if holds_nodes else None


def _mark_last(items: Iterable[T]) -> Iterator[tuple[T, bool]]:
    iterator = iter(items)
    for held in iterator:
        current = held
        for following in iterator:
            yield current, False
            current = following
        yield current, True
