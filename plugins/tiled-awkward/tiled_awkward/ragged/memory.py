"""Ragged arrays that live in memory."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import awkward
import ragged
from msgspec import UNSET

from tiled_awkward.ragged.describing import describe_ragged
from tiled_awkward.ragged.structure import FAMILY, RaggedStructure
from tiledkernel.nodes.protocols import Node
from tiledkernel.slices import Cut, NDSlice
from tiledkernel.specs import Spec, as_spec

_generations = itertools.count()


class RaggedNode(Node, Protocol):
    """Lists of numbers, or of such lists, whose lengths vary."""

    @property
    def structure(self) -> RaggedStructure:
        """Shape, size, chunks and element type."""

    def read(self, parts: NDSlice) -> Any:
        """`array[parts]` as an awkward array, or as a single number; IndexError if that cannot be."""


class MemoryRagged:
    """A ragged node around an array of the `ragged` library, or anything that it makes one of, such as nested lists.

    Call `touch()` after changing the data in place; a `generation` of None says that nobody can tell.
    """

    family: ClassVar[str] = FAMILY
    in_memory: ClassVar[bool] = True

    def __init__(
        self,
        array: Any,
        *,
        dims: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec | str] = (),
        generation: Hashable = UNSET,
    ) -> None:
        self.array = array if isinstance(array, ragged.array) else ragged.array(array)
        self.structure = describe_ragged(self.array, dims)
        self.metadata: Mapping[str, Any] = {} if metadata is None else metadata
        self.specs = tuple(as_spec(spec) for spec in specs)
        self._generation = next(_generations) if generation is UNSET else generation

    def read(self, parts: NDSlice) -> Any:
        """A view of the selected lists, or a single number."""
        lists: awkward.Array = self.array._impl  # noqa: SLF001 - the library has no other way to what it holds
        return lists[parts] if parts else lists

    def stamp(self, cut: Cut | None) -> Hashable:
        """The generation of the data, or None; `touch()` makes a new one."""
        del cut
        return self._generation

    def touch(self) -> None:
        """Say that the data have changed in place."""
        self._generation = next(_generations)

    def __repr__(self) -> str:
        return f"<MemoryRagged shape={self.structure.shape} dtype={self.array.dtype}>"


def adopt(
    live: Any, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: Hashable
) -> MemoryRagged:
    """A ragged node for an array of the ragged library, which may change unseen."""
    del generation
    return MemoryRagged(live, metadata=metadata, specs=specs, generation=None)
