"""A file with known content, and the way from the file to the nodes that a reader makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tiledkernel.errors import Gone
from tiledkernel.records import Reader
from tiledkernel.references import load


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A file (or several, for `open_many`) and what the tree opened from it must contain.

    Keys are paths such as "a/b"; "" is the root node itself. `metadata` is what each node must say at least,
    `tables` hold pyarrow tables. Nodes of the tree that are not mentioned are checked for form only.
    """

    path: Path | tuple[Path, ...]
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, however many."""
        return self.path if isinstance(self.path, tuple) else (self.path,)


def open_node(reader: Reader, path: Path | tuple[Path, ...]) -> Any:
    """The root node that a reader makes of a file; several files go to its `open_many`."""
    if isinstance(path, tuple):
        assert reader.open_many is not None, (
            f"the sample has several files, but the reader of {reader.media_type!r} has no `open_many`: "
            "give the record one, or let the sample be a single Path"
        )
        return as_node(load(reader.open_many)(path))
    return as_node(load(reader.open)(path))


def as_node(live: Any) -> Any:
    """A node as it is; anything else as the node that its family adopts it as."""
    if hasattr(live, "family"):
        return live
    family = _family_of(live)
    return load(f"tiledkernel.families.{family}.memory:adopt")(live, None, (), None)


def _family_of(live: Any) -> str:
    if isinstance(live, Mapping):
        return "container"
    return "table" if type(live).__module__.partition(".")[0] in ("pandas", "pyarrow") else "array"


def find_node(root: Any, path: str) -> Any:
    """The node at `path` below `root`; KeyError names the first key that is missing."""
    node = root
    for key in path.split("/") if path else ():
        node = as_node(node[key])
    return node


def walk_nodes(node: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every node of a tree with its path, parents first; links that lead nowhere are left out."""
    yield path, node
    if node.family != "container" or depth >= 8:  # a file may contain itself: stop somewhere
        return
    for key in node.keys():  # noqa: SIM118 - a container need not be iterable
        try:
            child = as_node(node[key])
        except Gone:
            continue
        yield from walk_nodes(child, f"{path}/{key}" if path else key, depth + 1)
