"""Trees at their mount paths, as one tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.files import FileEntry


def mount_trees(trees: Any, composition: Composition) -> Any:
    """The root node: a single tree as it is, several below a container of mount points.

    ConfigurationError if one mount path lies inside another. An empty mapping is an empty tree.
    """
    if not is_mounts(trees):
        return _adopted(trees, composition)
    mounts = {_segments(path): tree for path, tree in trees.items()}
    if len(mounts) < len(trees):
        raise ConfigurationError(f"two trees have the same mount path: {', '.join(map(repr, trees))}")
    for path in mounts:
        for other in mounts:
            if path != other and other[: len(path)] == path:
                raise ConfigurationError(
                    f"the tree at '/{'/'.join(other)}' lies inside the tree at '/{'/'.join(path)}': "
                    "mount paths must not contain each other"
                )
    if () in mounts:
        return _adopted(mounts[()], composition)
    return _container(mounts, composition)


def _adopted(tree: Any, composition: Composition) -> Any:
    return tree if isinstance(tree, FileEntry) else composition.adopt(tree)


def is_mounts(trees: Any) -> bool:
    """Whether `trees` is a plain mapping of mount paths rather than a tree."""
    return (
        isinstance(trees, dict)
        and bool(trees)
        and all(isinstance(path, str) and path.startswith("/") for path in trees)
    )


def _segments(path: str) -> tuple[str, ...]:
    return tuple(segment for segment in path.split("/") if segment)


def _container(mounts: Mapping[tuple[str, ...], Any], composition: Composition) -> MemoryContainer:
    children: dict[str, Any] = {}
    for key in dict.fromkeys(path[0] for path in mounts):
        below = {path[1:]: tree for path, tree in mounts.items() if path[0] == key}
        children[key] = _adopted(below[()], composition) if () in below else _container(below, composition)
    return MemoryContainer(children)
