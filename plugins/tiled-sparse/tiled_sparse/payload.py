"""The part of a sparse array that a request asks for."""

from __future__ import annotations

from tiled_sparse.elements import Elements, flipped
from tiled_sparse.memory import SparseNode
from tiledkernel.errors import KernelError, ReadFailed
from tiledkernel.slices import Cut


class SparsePayload:
    """A cut of a sparse node; as a table it may have at most `limit` bytes."""

    __slots__ = ("cut", "limit", "node")

    def __init__(self, node: SparseNode, cut: Cut, limit: int | None = None) -> None:
        self.node = node
        self.cut = cut
        self.limit = limit

    def read(self) -> Elements:
        """The stored elements, with coordinates relative to the cut."""
        try:
            elements = self.node.read(self.cut)
        except KernelError:
            raise
        except Exception as error:
            raise ReadFailed("the reader failed") from error
        return flipped(elements, self.cut.flipped)
