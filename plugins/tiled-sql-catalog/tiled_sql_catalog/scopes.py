"""Where a search looks: at the children of a container, or at everything below it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, ColumnElement, Select, literal, select

from tiled_sql_catalog.schema import nodes


class Scope(Struct, frozen=True, dict=True):
    """The children of the node `root`; with a `depth` above 1, also what is so many levels below it."""

    root: int
    depth: int = 1

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
        below = below.union_all(
            select(inner.c.id, below.c.level + 1).where(
                inner.c.parent == below.c.id, inner.c.family == "container", below.c.level < self.depth - 1
            )
        )
        return select(below.c.id)
