"""Walks over everything below a node, which can stop anywhere and go on there later.

The order is that of an outline: a node, what is below it, then the next one. A *trail* names a node by the places of
itself and of all containers above it, each as the cursor of a listing does (`families.container.paging`). So what
comes or goes elsewhere in the tree between two walks makes the second one neither repeat nor skip what stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeAlias, TypeVar

from tiledkernel.families.container.paging import after, cursor_after, place_of

T = TypeVar("T")
Trail: TypeAlias = tuple[int, ...]

MAX_DEPTH = 64  # levels below the start


class Budget:
    """How much one walk may cost: so many nodes, and so many seconds."""

    def __init__(self, nodes: int, seconds: float) -> None:
        self._nodes = nodes
        self._deadline = time.monotonic() + seconds

    def spend(self) -> bool:
        """Pay for one more node; False if the budget does not allow it."""
        self._nodes -= 1
        return self._nodes >= 0 and time.monotonic() < self._deadline

    def shrink(self, nodes: int) -> None:
        """Allow at most so many more nodes."""
        self._nodes = min(self._nodes, nodes)


class _Level(Generic[T]):
    """A container on the way down: its keys, and which of them comes next."""

    __slots__ = ("keys", "node", "position")

    def __init__(self, node: T, keys: Sequence[str], position: int = 0) -> None:
        self.node = node
        self.keys = keys
        self.position = position

    @property
    def place(self) -> int:
        """The cursor of the child that was taken last."""
        return cursor_after(self.position - 1, self.keys[self.position - 1])


class Walk(Generic[T]):
    """A walk over a tree: `keys` are those of the node's children (none if it has none), `child` makes one of them.

    A child that is None, because it vanished while we were looking, is passed over.
    """

    def __init__(
        self,
        keys: Callable[[T], Sequence[str]],
        child: Callable[[T, str], T | None],
        max_depth: int = MAX_DEPTH,
    ) -> None:
        self._keys = keys
        self._child = child
        self._max_depth = max_depth

    def below(self, start: T, trail: Trail = ()) -> Iterator[tuple[Trail, T]]:
        """All nodes below `start` with their trails; with a trail, those that follow the node it names."""
        levels = self._return_to(start, trail)
        while levels:
            level = levels[-1]
            if level.position == len(level.keys):
                levels.pop()
                continue
            key = level.keys[level.position]
            level.position += 1
            node = self._child(level.node, key)
            if node is not None:
                yield tuple(level.place for level in levels), node
                self._descend(levels, node)

    def _descend(self, levels: list[_Level[T]], node: T) -> None:
        if len(levels) < self._max_depth and (keys := self._keys(node)):
            levels.append(_Level(node, keys))

    def _return_to(self, start: T, trail: Trail) -> list[_Level[T]]:
        """The levels as they were when the walk had just met the node at the end of the trail."""
        levels = [_Level(start, self._keys(start))]
        for place in trail:
            level = levels[-1]
            level.position = after(place, level.keys)
            found = place_of(place, level.keys)
            node = None if found is None else self._child(level.node, level.keys[found])
            if node is None:
                break
            depth = len(levels)
            self._descend(levels, node)
            if len(levels) == depth:  # it has no children any more
                break
        return levels
