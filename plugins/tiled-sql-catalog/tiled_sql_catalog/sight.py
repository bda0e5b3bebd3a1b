"""What somebody sees of a catalog: the access policy's queries, as conditions that hold at every depth."""

from __future__ import annotations

from msgspec import Struct

from tiled_sql_catalog.conditions import Condition
from tiled_sql_catalog.queries import everywhere
from tiledkernel.access.sight import Sight


class CatalogSight(Struct, frozen=True):
    """A sight, and the conditions that all nodes meet that are visible to it, and no others."""

    sight: Sight
    conditions: tuple[Condition, ...]


def in_catalog(sight: Sight) -> CatalogSight | None:
    """A sight as the catalog can ask for it; None if each node must be asked about."""
    queries = sight.filters()
    conditions = None if queries is None else everywhere(queries)
    return None if conditions is None else CatalogSight(sight, conditions)
