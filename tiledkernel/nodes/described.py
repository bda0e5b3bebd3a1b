"""Nodes that a catalog describes and that something else reads: one node for those who want both."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from tiledkernel.ability import Ability
from tiledkernel.nodes.files import FileEntry
from tiledkernel.nodes.protocols import Stamped
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec

_WRITING = frozenset({"write", "write_block", "write_partition", "append_partition", "patch"})
_MAPPING = ("__getitem__", "__len__", "__iter__", "__contains__")


class Openable(Ability):
    """A node that can be described as it is, and is opened to be read or written."""

    @abstractmethod
    def opened(self) -> tuple[Any, FileEntry | None, Hashable]:
        """The node with its data, the file that they come from, if a reader reads it, and that file's stamp."""


class Described:
    """Data with what a catalog says of them; made by `describe`."""

    def __init__(self, own: Any, data: Any) -> None:
        self.own = own
        self.data = data
        self.family: str = own.family

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the catalog says about the data."""
        found: Mapping[str, Any] = self.own.metadata
        return found

    @property
    def specs(self) -> Sequence[Spec]:
        """Promises beyond the structure."""
        found: Sequence[Spec] = self.own.specs
        return found

    @property
    def structure(self) -> Any:
        """What the data look like, as the catalog knows it."""
        return self.own.structure

    def version_of(self) -> int:
        """How often the catalog's row was changed."""
        found: int = self.own.version_of()
        return found

    def claim(self, version: int) -> None:
        """Count the version up; PreconditionFailed if it is another one."""
        self.own.claim(version)

    def __getattr__(self, name: str) -> Any:
        """What only the data have."""
        if name.startswith("_") or name in ("in_memory", "waiting", "stale_after"):
            raise AttributeError(name)
        return getattr(self.data, name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.data!r}>"


class _StampedDescribed(Described):
    """Data that can tell whether they have changed."""

    def stamp(self, cut: Cut | None) -> Hashable:
        """Differs after a change of the data, and of what the catalog says of them."""
        own = self.data.stamp(cut)
        return None if own is None else (self.own.version_of(), own)


def describe(own: Any, data: Any, *, read_only: bool = False) -> Described:
    """A node with the data of one and the description of another; it has the abilities that the data have."""
    made = _classes.get((type(data), read_only))
    if made is None:
        made = _classes[type(data), read_only] = _make_class(type(data), read_only=read_only)
    return made(own, data)


_classes: dict[tuple[type, bool], type[Described]] = {}


def _make_class(kind: type, *, read_only: bool) -> type[Described]:
    """A class with all methods of another: what has a method has the ability, and `isinstance` looks at classes."""
    base = _StampedDescribed if issubclass(kind, Stamped) else Described
    public = [name for name in dir(kind) if not name.startswith("_") and not hasattr(base, name)]
    wanted = {*public, *_MAPPING} - (_WRITING if read_only else frozenset())
    members = {name: _forwarding(name) for name in wanted if callable(getattr(kind, name, None))}
    return type(f"Described{kind.__name__}", (base,), members)


def _forwarding(name: str) -> Callable[..., Any]:
    def forward(self: Described, *arguments: Any, **options: Any) -> Any:
        return getattr(self.data, name)(*arguments, **options)

    forward.__name__ = name
    return forward
