"""Containers of which somebody sees a part, because some children are hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from tiledkernel.access.sight import Seeing, Sight, WithSessionState
from tiledkernel.errors import NotFound
from tiledkernel.nodes.deferred import Deferred
from tiledkernel.nodes.files import FileEntry

Adopt: TypeAlias = Callable[[Any], Any]

FEW = 200  # children that are asked about on the event loop
PASSED_ON = (  # what concerns the container itself, and no child
    "create", "change", "delete", "claim", "version_of", "revisions", "delete_revision", "data_sources", "asset_path",
    "manifest", "replace_source", "detach",
)  # fmt: skip


def seen(found: Any, sight: Sight, adopt: Adopt) -> Any:
    """What somebody sees of what a container holds; None if it is hidden."""
    if isinstance(found, FileEntry):  # whose nodes carry no tags
        return found
    if isinstance(found, Deferred):
        return SeenLater(found, sight, adopt)
    if type(found) is dict:
        found = adopt(found)
    if isinstance(found, WithSessionState):
        found = found.with_session_state(sight.viewer.state)
    if not sight.admits(found):
        return None
    if getattr(found, "family", None) != "container" or getattr(found, "untagged", False):
        return found
    view = found.seen(sight) if isinstance(found, Seeing) else None
    return container_seen(found, sight, adopt) if view is None else view


def reseen(container: Any, sight: Sight, adopt: Adopt) -> Any:
    """A container that is visible, as it is seen under stricter demands."""
    view = container.seen(sight)
    return container_seen(container, sight, adopt) if view is None else view


class SeenLater(Deferred):
    """A child that is made when somebody touches it, and seen then."""

    def __init__(self, later: Deferred, sight: Sight, adopt: Adopt) -> None:
        self._later = later
        self._sight = sight
        self._adopt = adopt

    @property
    def is_made(self) -> bool:
        """Whether somebody has looked at it."""
        return self._later.is_made

    def get(self) -> Any:
        """What is seen of it; NotFound if it is hidden."""
        found = seen(self._adopt(self._later.get()), self._sight, self._adopt)
        if found is None:
            raise NotFound("no such entry")
        return found

    def __repr__(self) -> str:
        return f"<SeenLater {self._later!r}>"


class SeenContainer(Mapping[str, Any]):
    """A container without the children that are hidden; each child is asked about.

    What else the container can do, `container_seen` passes on.
    """

    family = "container"

    def __init__(self, node: Any, sight: Sight, adopt: Adopt) -> None:
        self._node = node
        self._sight = sight
        self._adopt = adopt
        self._views: dict[str, tuple[Any, Any]] = {}  # of children that are themselves, as long as they are
        for name in ("stale_after", "sorting", "plain_metadata"):
            if hasattr(node, name):
                setattr(self, name, getattr(node, name))

    @property
    def metadata(self) -> Any:
        """What the owner says about the data."""
        return self._node.metadata

    @property
    def specs(self) -> Sequence[Any]:
        """Promises beyond the structure."""
        specs: Sequence[Any] = self._node.specs
        return specs

    @property
    def access_tags(self) -> frozenset[str] | None:
        """The tags that the policy goes by."""
        tags: frozenset[str] | None = getattr(self._node, "access_tags", None)
        return tags

    @property
    def in_memory(self) -> bool:
        """Whether nothing blocks, and few children have to be asked about."""
        return self._sight.swift and getattr(self._node, "in_memory", False) and len(self._node) <= FEW

    @property
    def waiting(self) -> bool:
        """Whether a child has yet to be made, which may take a while."""
        return bool(getattr(self._node, "waiting", False))

    def seen(self, sight: Sight | None) -> Any:
        """The same container as somebody else sees it, or as it is for None."""
        return self._node if sight is None else container_seen(self._node, sight, self._adopt)

    def __getitem__(self, key: str) -> Any:
        found = self._node[key]
        known = self._views.get(key)
        if known is not None and known[0] is found:
            return known[1]
        view = seen(found, self._sight, self._adopt)
        if view is None:
            raise KeyError(key)
        if isinstance(found, Seeing):
            self._views[key] = found, view
        return view

    def __iter__(self) -> Iterator[str]:
        for key in self._node.keys():  # noqa: SIM118 - a node need not be a mapping
            try:
                found = self._node[key]
            except Exception:  # noqa: BLE001 - whether it may be seen cannot be told, whatever it raises
                if self._sight.policy is None:
                    yield key
                continue
            if seen(found, self._sight, self._adopt) is not None:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def inlined(self, depth: int) -> bool:
        """Whether the children are described with the container."""
        inlined: Callable[[int], bool] | None = getattr(self._node, "inlined", None)
        return inlined is not None and inlined(depth)

    def __repr__(self) -> str:
        return f"<SeenContainer of {self._node!r}>"


def container_seen(node: Any, sight: Sight, adopt: Adopt) -> SeenContainer:
    """A container as it is seen, with the abilities to be changed that it has."""
    return _kind(type(node))(node, sight, adopt)  # type: ignore[arg-type] # a type is hashable


@lru_cache(maxsize=1000)
def _kind(kind: Any) -> type[SeenContainer]:
    able = {name: _passed_on(name) for name in PASSED_ON if callable(getattr(kind, name, None))}
    return type(SeenContainer.__name__, (SeenContainer,), able)


def _passed_on(name: str) -> Callable[..., Any]:
    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        return getattr(self._node, name)(*arguments, **named)

    return method
