"""The children of containers for those who see a part of them, where one look into the index tells of each node.

What somebody sees stays the same for many requests, and so the statements are translated once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, literal, select

from tiled_sql_catalog.conditions import Condition, Has, HasOneOf
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.pages import PlainListing
from tiled_sql_catalog.schema import entries, nodes
from tiled_sql_catalog.scopes import Place, Siblings
from tiled_sql_catalog.statements import Statement

_NODES = Place(nodes.c.id, nodes.c.parent)
_SIZES = (1, 8, 64, 512)  # containers that are asked about together; a list is filled up to one of these lengths


class Partial:
    """Listings and numbers of the children that meet all of some conditions."""

    def __init__(self, database: Database, visible: Sequence[Condition]) -> None:
        self.listing = PlainListing(database, visible)
        self._database = database
        self._visible = visible
        self._counting: dict[int, Statement] = {}

    def counts(self, containers: Sequence[int]) -> dict[int, int]:
        """How many visible children containers have; those that have none are left out."""
        found: dict[int, int] = {}
        for start in range(0, len(containers), _SIZES[-1]):
            some = containers[start : start + _SIZES[-1]]
            size = next(size for size in _SIZES if size >= len(some))
            filled = [*some, *([some[0]] * (size - len(some)))]
            found.update((parent, count) for parent, count in self._of_size(size).all(*filled))
        return found

    def _of_size(self, size: int) -> Statement:
        if size not in self._counting:
            names = [f"parent{number}" for number in range(size)]
            self._counting[size] = Statement(self._database, _counting(names, self._visible), *names)
        return self._counting[size]


def _counting(names: Sequence[str], visible: Sequence[Condition]) -> Select[Any]:
    """Containers with how many of their children meet all conditions; by the index alone, if there is one condition."""
    if len(visible) == 1 and isinstance(only := visible[0], (Has, HasOneOf)):
        keys = only.values if isinstance(only, HasOneOf) else (only.value,)
        column: Any = entries.c.parent
        counted = func.count(entries.c.node.distinct()) if len(keys) != 1 else func.count()
        met = [entries.c.address == only.address, entries.c.value.in_([literal(key) for key in keys])]
    else:
        column, counted = nodes.c.parent, func.count()
        met = [condition.clause(Siblings(column), _NODES) for condition in visible]
    wanted = column.in_([bindparam(name) for name in names])
    return select(column, counted).where(wanted, *met).group_by(column)
