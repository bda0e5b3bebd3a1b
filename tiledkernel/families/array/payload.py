"""The part of an array that a request asks for, read when an encoder wants it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiledkernel.errors import KernelError, ReadFailed, TooLarge
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.slabs import TARGET, slabs
from tiledkernel.nodes.protocols import ArrayNode
from tiledkernel.slices import Cut


class ArrayPayload:
    """A cut of an array node, of at most `limit` bytes; `shape` and `dtype` are those of the result.

    The limit is looked at when somebody wants to read: until then a format may say that the shape does not suit it.
    """

    __slots__ = ("cut", "dtype", "limit", "nbytes", "node", "shape")

    def __init__(self, node: ArrayNode, cut: Cut, limit: int | None = None) -> None:
        self.node = node
        self.cut = cut
        self.limit = limit
        self.shape = cut.shape
        self.dtype = to_numpy(node.structure.data_type)
        self.nbytes = math.prod(self.shape) * self.dtype.itemsize  # of the result

    def read(self) -> NDArray[Any]:
        """The whole result, in C order."""
        self.check_size()
        return self._read(self.cut)

    def direct(self) -> NDArray[Any] | None:
        """The whole result uncopied, if it is in memory, and either contiguous there or small; else None."""
        self.check_size()
        if not getattr(self.node, "in_memory", False):
            return None
        array = self._checked(self.cut)
        if self.cut.flipped:
            array = np.flip(array, self.cut.flipped)
        return array if array.flags.c_contiguous or self.nbytes <= TARGET else None

    def slabs(self, nbytes: int = TARGET) -> Iterator[NDArray[Any]]:
        """The result in C order, in pieces of about `nbytes`, or of whole rows of chunks."""
        self.check_size()
        for cut in slabs(self.cut, self.node.structure.chunks, self.dtype.itemsize, nbytes):
            yield self._read(cut)

    def check_size(self) -> None:
        """TooLarge if the result is more than may be sent at once."""
        if self.limit is not None and self.nbytes > self.limit:
            raise TooLarge(
                f"this selection is {self.nbytes:_} bytes, more than the {self.limit:_} that this server sends at "
                "once: use 'slice' or 'block' to read it in parts"
            )

    def _read(self, cut: Cut) -> NDArray[Any]:
        return self._packed(self._checked(cut), cut)

    def _checked(self, cut: Cut) -> NDArray[Any]:
        """What the node reads, with the shape that was asked for and the declared element type."""
        try:
            array = np.asarray(self.node.read(cut))
        except KernelError:
            raise
        except Exception as error:
            raise ReadFailed("the reader failed") from error
        if array.shape != cut.shape:
            raise ReadFailed(
                f"the reader returned an array of shape {array.shape} where {cut.shape} was asked for: "
                "its file may have changed, or the reader does not follow the cut"
            )
        return array if array.dtype == self.dtype else array.astype(self.dtype)

    @staticmethod
    def _packed(array: NDArray[Any], cut: Cut) -> NDArray[Any]:
        if cut.flipped:
            array = np.flip(array, cut.flipped)
        return np.ascontiguousarray(array).reshape(cut.shape)
