"""The way to a node in the trees of a configuration, opened here."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from tiledkernel.composition import Composition
from tiledkernel.config.load import Loaded
from tiledkernel.config.mounts import build_mounts, plan_mounts
from tiledkernel.nodes.protocols import Closing
from tiledkernel.server.mounts import mount_trees
from tiledkernel.server.resolve import Resolver


class Place(Struct, frozen=True):
    """A node on the way, and how it is shown to people."""

    name: str
    node: Any


@contextlib.contextmanager
def way_to(path: str, loaded: Loaded, composition: Composition) -> Iterator[list[Place]]:
    """The nodes from the root to the one at a path, as long as their trees are open; NotFound if there is none."""
    segments = tuple(segment for segment in path.split("/") if segment)
    with contextlib.ExitStack() as afterwards:
        trees = build_mounts(plan_mounts(loaded, composition))
        for tree in trees.values():
            if isinstance(tree, Closing):
                afterwards.callback(tree.close)
        resolver = Resolver(mount_trees(trees, composition), composition)
        yield [_place(resolver, segments[:length]) for length in range(len(segments) + 1)]


def _place(resolver: Resolver, path: tuple[str, ...]) -> Place:
    node = resolver.resolve(resolver.locate(path), describing=True).node
    return Place(repr("/".join(path)) if path else "the root", node)
