"""Containers that live in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from tiledkernel.families.container.structure import FAMILY
from tiledkernel.nodes.deferred import Deferred
from tiledkernel.specs import Spec, as_spec


class MemoryContainer(Mapping[str, Any]):
    """A container node around a mapping of keys to nodes, or to anything that a family adopts.

    The mapping is asked anew for every request, so it may be lazy and may change while it is served.
    `stale_after` is how long clients may take a description of its children for current. An access policy goes by
    `access_tags`; without any, by those of the container that it is in.
    """

    family: ClassVar[str] = FAMILY

    def __init__(  # noqa: PLR0913 - what may be said of a container, each with a default
        self,
        mapping: Mapping[str, Any],
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec | str] = (),
        stale_after: timedelta | None = None,
        inline: bool = False,
        access_tags: Iterable[str] | None = None,
    ) -> None:
        self._mapping = mapping
        self.in_memory = type(mapping) is dict  # any other mapping may be lazy, and block
        self.metadata: Mapping[str, Any] = {} if metadata is None else metadata
        self.specs = tuple(as_spec(spec) for spec in specs)
        self.stale_after = stale_after
        self._inline = inline
        if access_tags is not None:
            self.access_tags = frozenset(access_tags)

    def __getitem__(self, key: str) -> Any:
        return self._mapping[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping)

    def __len__(self) -> int:
        return len(self._mapping)

    @property
    def waiting(self) -> bool:
        """Whether a child has yet to be made, which may take a while."""
        return self.in_memory and any(
            isinstance(child, Deferred) and not child.is_made for child in self._mapping.values()
        )

    def inlined(self, depth: int) -> bool:
        """Whether the children are described with the container, however deep it is."""
        del depth
        return self._inline

    def __repr__(self) -> str:
        return f"<MemoryContainer of {len(self)} children>"


def adopt(
    live: Mapping[str, Any], metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: object
) -> MemoryContainer:
    """A container node for a dict; TypeError if its keys are no texts."""
    del generation
    first = next(iter(live), "")
    if not isinstance(first, str):
        raise TypeError(f"the keys of a container are texts, this one begins with {first!r}: write {str(first)!r}")
    return MemoryContainer(live, metadata=metadata, specs=specs)


def child(node: Any, key: str) -> Any:
    """The child of a container; KeyError if there is none."""
    return node[key]
