"""An array on a server, or a selection of it, as libraries that read later want it: indexing it reads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tiledkernel.client.lazy import Remote
from tiledkernel.families.array.client import ArrayClient
from tiledkernel.families.array.client_selection import checked_index

_WHOLE = slice(None)


class ArraySource(Remote[ArrayClient]):
    """Elements that are read when it is indexed, as numpy is with integers and slices, or with lists along axes.

    `select` gives another one, and asks nothing. What one chunk of it holds lies in one chunk of the server's.
    """

    def __init__(self, client: ArrayClient) -> None:
        super().__init__(client)
        self.dtype = client.dtype
        self._axes: tuple[int | range, ...] = tuple(map(range, client.shape))  # of the whole array, what is selected

    @property
    def _kept(self) -> list[range]:
        return [axis for axis in self._axes if isinstance(axis, range)]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis."""
        return tuple(map(len, self._kept))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._kept)

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """How many elements along each axis lie in the same chunk of the server's."""
        pairs = zip(self._axes, self.node.chunks, strict=True)
        return tuple(_divide(axis, lengths) for axis, lengths in pairs if isinstance(axis, range))

    def select(self, index: Any) -> Self:
        """What an index of integers and slices selects; IndexError for others, or outside."""
        parts = checked_index(index, self.ndim)
        remaining = iter((*parts, *(_WHOLE,) * (self.ndim - len(parts))))
        selection = type(self)(self.node)
        selection._axes = tuple(  # noqa: SLF001 - of our own class
            axis[next(remaining)] if isinstance(axis, range) else axis for axis in self._axes
        )
        return selection

    def __getitem__(self, index: Any) -> NDArray[Any]:
        bounding, within = _bounds(index, self.shape)
        found = self.select(bounding).read()
        return found[within] if within else found

    def read(self) -> NDArray[Any]:
        """All elements."""
        return self.run(self.node.reading(tuple(map(_as_part, self._axes))))

    def __dask_tokenize__(self) -> tuple[str, ...]:
        return (*super().__dask_tokenize__(), repr(self._axes))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.node.uri!r} shape={self.shape}>"


def _as_part(axis: int | range) -> int | slice:
    if isinstance(axis, int):
        return axis
    if not axis:
        return slice(0, 0)
    return slice(axis.start, axis.stop if axis.stop >= 0 else None, axis.step)


def _divide(axis: range, lengths: Sequence[int]) -> tuple[int, ...]:
    """How many positions of a selection fall into each of the chunks that it touches."""
    if axis.step < 0:
        return _divide(axis[::-1], lengths)[::-1]
    before = [len(range(axis.start, min(end, axis.stop), axis.step)) for end in accumulate(lengths)]
    return tuple(end - begin for begin, end in pairwise([0, *before]) if end > begin) or (0,)


def _bounds(index: Any, shape: Sequence[int]) -> tuple[Any, Any]:
    """An index without lists that selects no less, in one piece; and what to select within that, if it selects more.

    Lists come from dask, which moves what selects from a chunk into its reading.
    """
    if not isinstance(index, tuple) or not any(isinstance(part, (list, np.ndarray)) for part in index):
        return index, ()
    bounding: list[Any] = list(index)
    within: list[Any] = []
    for axis, part in enumerate(index):
        if isinstance(part, (list, np.ndarray)):
            positions = np.arange(shape[axis])[part]
            first = int(positions.min(initial=shape[axis]))
            bounding[axis] = slice(first, int(positions.max(initial=first - 1)) + 1)
            within.append(positions - first)
        elif isinstance(part, slice):
            within.append(_WHOLE)
    return tuple(bounding), tuple(within)
