"""Awkward arrays that live in memory."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import awkward
from msgspec import UNSET

from tiled_awkward.awkward.structure import FAMILY, AwkwardStructure
from tiled_awkward.buffers import Buffers, take_apart
from tiledkernel.nodes.protocols import Node
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec, as_spec

_generations = itertools.count()


class AwkwardNode(Node, Protocol):
    """Nested lists and records, kept as buffers."""

    @property
    def structure(self) -> AwkwardStructure:
        """Length and form."""

    def read_buffers(self, names: Collection[str] | None) -> Mapping[str, Any]:
        """The buffers of these names, little-endian; all if None."""


class MemoryAwkward:
    """An awkward node around an array of the `awkward` library, or the buffers of one."""

    family: ClassVar[str] = FAMILY
    in_memory: ClassVar[bool] = True

    def __init__(
        self,
        array: awkward.Array | Buffers,
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec | str] = (),
        generation: Hashable = UNSET,
    ) -> None:
        self.buffers = array if isinstance(array, Buffers) else take_apart(array)
        self.structure = AwkwardStructure(length=self.buffers.length, form=self.buffers.form)
        self.metadata: Mapping[str, Any] = {} if metadata is None else metadata
        self.specs = tuple(as_spec(spec) for spec in specs)
        self._generation = next(_generations) if generation is UNSET else generation

    def read_buffers(self, names: Collection[str] | None) -> Mapping[str, Any]:
        """The buffers of these names, not copied; all if None."""
        content = self.buffers.content
        return content if names is None else {name: buffer for name, buffer in content.items() if name in names}

    def stamp(self, cut: Cut | None) -> Hashable:
        """The generation of the data, or None if nobody can tell."""
        del cut
        return self._generation

    def __repr__(self) -> str:
        return f"<MemoryAwkward of length {self.structure.length}>"


class _Taken(NamedTuple):
    """A live array that has been taken apart, as it was then: to add a field changes its layout."""

    live: weakref.ref[awkward.Array]
    layout: object
    buffers: Buffers
    generation: int


_taken: dict[int, _Taken] = {}  # by the identity of live arrays, as long as they live


def _take_once(live: awkward.Array) -> _Taken:
    key = id(live)
    known = _taken.get(key)
    layout = live.layout
    if known is None or known.live() is not live or known.layout is not layout:
        reference = weakref.ref(live, lambda _: _taken.pop(key, None))
        known = _taken[key] = _Taken(reference, layout, take_apart(live), next(_generations))
    return known


def adopt(
    live: awkward.Array, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: Hashable
) -> MemoryAwkward:
    """An awkward node for an array of the awkward library, which is taken apart once, however often it is asked for."""
    del generation  # the array may have got a field since
    taken = _take_once(live)
    return MemoryAwkward(taken.buffers, metadata=metadata, specs=specs, generation=taken.generation)
