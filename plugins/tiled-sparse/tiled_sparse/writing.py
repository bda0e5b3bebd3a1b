"""The ability of a sparse array to be written."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from tiledkernel.ability import Ability

if TYPE_CHECKING:
    from tiled_sparse.elements import Elements
    from tiled_sparse.structure import SparseStructure
    from tiledkernel.blocks import Block


class WritableSparse(Ability):
    """A sparse array whose elements can be written."""

    structure: SparseStructure

    @abstractmethod
    def write(self, elements: Elements) -> None:
        """Replace all elements."""

    @abstractmethod
    def write_block(self, block: Block, elements: Elements) -> None:
        """Replace the elements of one chunk; their coordinates are those within it."""
