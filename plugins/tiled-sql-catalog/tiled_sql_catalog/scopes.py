"""Where a search looks: at the children of a container, or at everything below it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

from msgspec import Struct
from sqlalchemy import BigInteger, ColumnElement, Select, literal, select

from tiled_sql_catalog.schema import nodes


class Place(Struct, frozen=True):
    """Columns that hold a node's id and its parent's."""

    node: ColumnElement[Any]
    parent: ColumnElement[Any]


class Holding(Protocol):
    """Tells whether a node is meant, by its parent."""

    def holds(self, parent: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether this is the parent of a node that is meant."""


class Siblings(Struct, frozen=True):
    """Stands for a scope where each node is looked at for itself: its siblings."""

    parent: ColumnElement[Any]

    def holds(self, parent: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether this is the parent of the node."""
        return parent == self.parent


class Scope(Struct, frozen=True, dict=True):
    """The children of the node `root`; with a `depth` above 1, also what is so many levels below it.

    Only what meets the conditions in `visible` is there, and what is in containers that meet them.
    """

    root: int
    depth: int = 1
    visible: tuple[Any, ...] = ()

    @property
    def is_flat(self) -> bool:
        """Whether only children are meant."""
        return self.depth == 1

    def holds(self, parent: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether this is the parent of a node that is meant."""
        return parent == self.root if self.is_flat else parent.in_(self._containers)

    @cached_property
    def _containers(self) -> Select[Any]:
        """All containers whose children are meant, found by descending from the root, once in each statement."""
        below = select(literal(self.root, BigInteger).label("id"), literal(0).label("level")).cte(
            "below", recursive=True
        )
        inner = nodes.alias("inner_nodes")
        place = Place(inner.c.id, inner.c.parent)
        there = Siblings(inner.c.parent)
        below = below.union_all(
            select(inner.c.id, below.c.level + 1).where(
                inner.c.parent == below.c.id,
                inner.c.family == "container",
                below.c.level < self.depth - 1,
                *(condition.clause(there, place) for condition in self.visible),
            )
        )
        return select(below.c.id)
