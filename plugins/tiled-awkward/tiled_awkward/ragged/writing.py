"""The ability of a ragged array to be written."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tiled_awkward.ragged.structure import RaggedStructure
from tiledkernel.ability import Ability

if TYPE_CHECKING:
    import awkward


class WritableRagged(Ability):
    """A ragged array whose rows can be written; lists with other axes or elements are Unprocessable."""

    structure: RaggedStructure

    @abstractmethod
    def write(self, rows: awkward.Array) -> None:
        """Replace all rows, by as many as there are now or by others."""

    @abstractmethod
    def write_block(self, block: int, rows: awkward.Array) -> None:
        """Replace the rows of one chunk of the first axis."""

    @abstractmethod
    def patch(self, offset: Sequence[int], rows: awkward.Array, *, extend: bool = False) -> RaggedStructure:
        """Add rows at the end; Conflict if `offset` is elsewhere, or the array may not grow. The new structure."""
