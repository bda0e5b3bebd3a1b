"""What all nodes that stand for an adapter have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Self, TypeVar

from tiled_bridge.calls import ask, name_of, value_of
from tiled_bridge.structures import convert_specs
from tiled_bridge.tasks import begin
from tiledkernel.errors import ReadFailed
from tiledkernel.specs import Spec, as_spec

T = TypeVar("T")

FRESH = 1.0  # seconds; longer than a request looks at a node, shorter than anybody would notice


_named: dict[tuple[type, type], type[Any]] = {}  # node classes that bear the names of those of adapters


class Fresh(Generic[T]):
    """An attribute that is asked for anew when it is older than a second.

    A request sees one state of an adapter, and a tree that is served for months is not remembered as it was.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_fresh_{name}"

    def __get__(self, node: Any, owner: type | None = None) -> T:
        known: tuple[float, T] | None = node.__dict__.get(self._name)
        now = time.monotonic()
        if known is not None and now - known[0] < FRESH:
            return known[1]
        made = self._make(node)
        node.__dict__[self._name] = now, made
        return made


class AdapterNode:
    """A node that asks an adapter; what it says is completed by `metadata` and `specs`.

    `is_top`: it is no child of another adapter, so that its tasks are those of a tree.
    """

    def __init__(
        self, adapter: Any, family: str, metadata: Mapping[str, Any] | None = None, specs: Sequence[Spec | str] = ()
    ) -> None:
        self.adapter = adapter
        self.family = family
        self.is_top = True
        self._metadata = metadata or {}
        self._specs = tuple(map(as_spec, specs))

    @Fresh
    def metadata(self) -> Mapping[str, Any]:
        """What the adapter says about its data."""
        found = self.value("metadata") or {}
        if not isinstance(found, Mapping):
            raise ReadFailed(f"{self.source}.metadata() gives {type(found).__name__}, which is no mapping")
        return {**found, **self._metadata} if self._metadata else found

    @Fresh
    def specs(self) -> tuple[Spec, ...]:
        """The specs of the adapter."""
        return tuple(dict.fromkeys((*self._specs, *convert_specs(self.value("specs")))))

    @property
    def access_tags(self) -> frozenset[str]:
        """The tags of the adapter, if it has any."""
        return frozenset(map(str, self.value("access_tags") or ()))

    @property
    def stale_after(self) -> timedelta | None:
        """For how long clients may take a description for current."""
        moments = [self.value("metadata_stale_at"), self.value("entries_stale_at")]
        known = [moment for moment in moments if isinstance(moment, datetime)]
        return min(map(_until, known)) if known else None

    @property
    def source(self) -> str:
        """What messages call the adapter."""
        return name_of(self.adapter)

    def ask(self, method: str, *arguments: Any) -> Any:
        """What a method of the adapter gives, once its tasks run."""
        self._begin()
        return ask(self.adapter, method, *arguments)

    def value(self, name: str) -> Any:
        """What the adapter says of itself in a method or an attribute; None if it says nothing."""
        self._begin()
        return value_of(self.adapter, name)

    def _begin(self) -> None:
        if self.is_top:
            begin(self.adapter)

    @classmethod
    def of(cls, adapter: Any, family: str, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str]) -> Self:
        """The node for an adapter; messages of the server name the adapter's class, not this one."""
        kind = type(adapter)
        named = _named.get((cls, kind))
        if named is None:
            named = _named[cls, kind] = type(kind.__name__, (cls,), {"__module__": kind.__module__})
        node: Self = named(adapter, family, metadata, specs)
        return node

    def __repr__(self) -> str:
        return f"<bridge to {self.adapter!r}>"


def _until(moment: datetime) -> timedelta:
    aware = moment if moment.tzinfo is not None else moment.astimezone()
    return aware - datetime.now(UTC)
