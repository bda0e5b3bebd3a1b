"""Trees that last: nodes, their metadata and where their data rest, in SQLite or PostgreSQL."""

from __future__ import annotations

from tiledkernel import TreeKind, hookimpl


@hookimpl
def register_trees() -> list[TreeKind]:
    """Catalogs, by the URI of their database."""
    return [
        TreeKind(
            name="catalog",
            build="tiled_sql_catalog.tree:build_catalog",
            options="tiled_sql_catalog.tree:CatalogOptions",
        )
    ]
