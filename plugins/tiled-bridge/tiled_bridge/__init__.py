"""Serve what was written for Tiled: adapters, trees of them and readers of files, as they are."""

from __future__ import annotations

from tiledkernel import Adopter, TreeKind, hookimpl


@hookimpl
def register_adopters() -> list[Adopter]:
    """Adapters: they need no base class, so that every object which nothing else adopts is looked at."""
    return [Adopter(name="adapter", adopts=("builtins.object",), adopt="tiled_bridge.adoption:adopt")]


@hookimpl
def register_trees() -> list[TreeKind]:
    """Folders of files that a site's own readers open."""
    return [
        TreeKind(
            name="bridge",
            build="tiled_bridge.directory:build_directory",
            options="tiled_bridge.directory:BridgeOptions",
        )
    ]
