"""Trees that last: nodes, their metadata and where their data rest, in SQLite or PostgreSQL."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tiledkernel import Command, TreeKind, hookimpl

if TYPE_CHECKING:
    from tiled_sql_catalog.live import from_uri, in_memory

__all__ = ["from_uri", "in_memory", "register_commands", "register_trees"]


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


@hookimpl
def register_commands() -> list[Command]:
    """Serve a catalog, and look after its database; each under the name that Tiled has for it, too."""
    own = "tiled_sql_catalog.commands"
    serve, serve_help = "tiled_sql_catalog.serving:serve_catalog", "Serve a catalog."
    upgrade, upgrade_help = f"{own}:upgrade", "Bring a catalog to the layout of this version."
    downgrade, downgrade_help = f"{own}:downgrade", "Bring a catalog back to an earlier layout."
    return [
        Command(name="serve catalog", command=serve, help=serve_help),
        Command(name="catalog serve", command=serve, help="The same as `serve catalog`."),
        Command(name="catalog init", command=f"{own}:init", help="Make a catalog in an empty database."),
        Command(name="catalog upgrade", command=upgrade, help=upgrade_help),
        Command(name="catalog upgrade-database", command=upgrade, help="The same as `catalog upgrade`."),
        Command(name="catalog downgrade", command=downgrade, help=downgrade_help),
        Command(name="catalog downgrade-database", command=downgrade, help="The same as `catalog downgrade`."),
        Command(
            name="catalog adopt",
            command="tiled_sql_catalog.adopting:adopt_catalog",
            help="Take over a catalog of Tiled.",
        ),
    ]


def __getattr__(name: str) -> Any:
    """What programs use; loaded when first used, since the hooks above must cost nothing."""
    if name not in ("from_uri", "in_memory"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("tiled_sql_catalog.live"), name)
