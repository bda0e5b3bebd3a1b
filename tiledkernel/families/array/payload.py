"""The part of an array that a request asks for, read when an encoder wants it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiledkernel.errors import KernelError, ReadFailed
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.nodes.protocols import ArrayNode
from tiledkernel.slices import Cut

SLAB = 4 << 20  # bytes read at a time when an array is streamed


class ArrayPayload:
    """A cut of an array node; `shape` and `dtype` are those of the result."""

    __slots__ = ("cut", "dtype", "nbytes", "node", "shape")

    def __init__(self, node: ArrayNode, cut: Cut) -> None:
        self.node = node
        self.cut = cut
        self.shape = cut.shape
        self.dtype = to_numpy(node.structure.data_type)
        self.nbytes = math.prod(self.shape) * self.dtype.itemsize  # of the result

    def read(self) -> NDArray[Any]:
        """The whole result, in C order."""
        return self._read(self.cut)

    def direct(self) -> NDArray[Any] | None:
        """The whole result if it is in memory, uncopied if it is contiguous there; None if reading costs memory."""
        if not getattr(self.node, "in_memory", False):
            return None
        array = self._checked(self.cut)
        if array.flags.c_contiguous and not self.cut.flipped:
            return array
        return self._packed(array, self.cut) if self.nbytes <= SLAB else None

    def slabs(self, nbytes: int = SLAB) -> Iterator[NDArray[Any]]:
        """The result in C order, in pieces of about `nbytes` along its leading axes."""
        for cut in divide(self.cut, max(1, nbytes // max(1, self.dtype.itemsize))):
            yield self._read(cut)

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


def divide(cut: Cut, size: int) -> Iterator[Cut]:
    """Cuts of at most about `size` elements that together, in C order, make up `cut`."""
    if cut.size <= size or not cut.shape:
        yield cut
        return
    axis = next(position for position, length in enumerate(cut.shape) if length > 1)
    length = cut.shape[axis]
    step = max(1, min(length, size * length // cut.size))
    for start in range(0, length, step):
        yield from divide(_narrow(cut, axis, start, min(start + step, length)), size)


def _narrow(cut: Cut, axis: int, start: int, stop: int) -> Cut:
    """`cut` with only [start, stop) along one axis of its result."""
    source = [position for position, part in enumerate(cut.index) if isinstance(part, slice)][axis]
    part = cut.index[source]
    assert isinstance(part, slice)
    if axis in cut.flipped:  # the result runs backwards along this axis
        start, stop = cut.shape[axis] - stop, cut.shape[axis] - start
    selected = range(part.start, part.stop, part.step)[start:stop]
    index = list(cut.index)
    index[source] = slice(selected[0], selected[-1] + 1, part.step)
    shape = (*cut.shape[:axis], stop - start, *cut.shape[axis + 1 :])
    return Cut(tuple(index), shape, cut.flipped)
