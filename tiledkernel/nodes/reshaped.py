"""Arrays that are shown in another shape than the one in which they rest, as whoever registered them said.

A stack of twelve frames may be a scan of three rows by four: `(12, H, W)` shown as `(3, 4, H, W)`. A read asks the
stored array for no more than what the cut touches along its first axis, where the files of a sequence lie.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.families.array.structure import FAMILY, ArrayStructure
from tiledkernel.nodes.protocols import ArrayNode, Stamped
from tiledkernel.slices import Cut, NDSlice, Part, cut_shape
from tiledkernel.specs import Spec

FRESH = 600.0  # seconds after its last change during which a file that is too short may be growing


class ShapeMismatch(Unavailable):
    """An array that cannot be shown in the shape that somebody wants."""


def reshaped(node: ArrayNode, structure: ArrayStructure, name: str, age: float) -> ReshapedArray:
    """The elements of `node` in the shape and chunks of `structure`; `name` and `age` are those of its file.

    What is too many along the first axis is left out. If there are too few, NotReady while the file is fresh, as it may
    be growing; ShapeMismatch if it is not, or if the shapes have nothing to do with each other.
    """
    stored, wanted = node.structure, structure
    if structs.astuple(stored.data_type) != structs.astuple(wanted.data_type):
        raise ShapeMismatch(f"{name!r} holds elements of another type than those that it was registered with")
    row = math.prod(stored.shape[1:])
    if not wanted.size:
        return ReshapedArray(node, wanted, stored.shape)
    if not row or wanted.size % row or not stored.shape:
        if stored.size == wanted.size:  # one element, without any axis
            return ReshapedArray(node, wanted, stored.shape)
        raise ShapeMismatch(
            f"{name!r} holds an array of shape {stored.shape}, of which none of shape {wanted.shape} can be made"
        )
    rows = wanted.size // row
    if stored.shape[0] >= rows:
        return ReshapedArray(node, wanted, (rows, *stored.shape[1:]))
    sentence = f"{name!r} has {stored.shape[0]} of the {rows} rows that an array of shape {wanted.shape} needs"
    if age < FRESH:
        raise NotReady(f"{sentence} so far: it may be growing, ask again")
    raise ShapeMismatch(f"{sentence}, and has not grown for {FRESH / 60:.0f} minutes")


class ReshapedArray:
    """An array node that shows the elements of another one, in the same order, in another shape."""

    family: ClassVar[str] = FAMILY

    def __init__(self, node: ArrayNode, structure: ArrayStructure, stored: tuple[int, ...]) -> None:
        self._node = node
        self._groups = tuple(_groups(stored, structure.shape)) if structure.size else ()
        self.structure = structure

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Those of the stored array."""
        return self._node.metadata

    @property
    def specs(self) -> Sequence[Spec]:
        """Those of the stored array."""
        return self._node.specs

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements; along the first stored axis nothing is read besides them."""
        if 0 in cut.shape or not self._groups:
            return self._nothing(cut)
        first, *others = (
            _runs_of(group, cut.index[group.shown], is_first=not position)
            for position, group in enumerate(self._groups)
        )
        rest = [only for (only,) in others]
        parts = [self._read([run, *rest]) for run in first]
        found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return found.reshape(cut.shape)

    def _read(self, runs: Sequence[_Run]) -> NDArray[Any]:
        """The elements that one run of each group of axes selects; one axis is left for each group."""
        index = tuple(part for run in runs for part in run.parts)
        shape = self._node.structure.shape
        found = self._node.read(cut_shape(index, shape)).reshape([run.size for run in runs])
        for axis, run in enumerate(runs):
            if run.taken is not None:
                found = found.take(run.taken, axis=axis)
        return found

    def _nothing(self, cut: Cut) -> NDArray[Any]:
        empty = cut_shape((slice(0, 0),) * len(self._node.structure.shape), self._node.structure.shape)
        return np.empty(cut.shape, self._node.read(empty).dtype)

    def stamp(self, cut: Cut | None) -> Hashable:
        """How the stored array looks on disk, as far as it can tell."""
        del cut
        return self._node.stamp(None) if isinstance(self._node, Stamped) else ()

    def __repr__(self) -> str:
        return f"<ReshapedArray of {self._node!r}>"


class _Group(Struct, frozen=True):
    """Stored axes of some lengths that hold, in the same order, the elements of the shown axes."""

    stored: tuple[int, ...]
    lengths: tuple[int, ...]
    shown: slice


class _Run(Struct, frozen=True):
    """What to read of a group of stored axes, and which of it to take when it is flat; None: all."""

    parts: tuple[slice, ...]
    taken: Any = None

    @property
    def size(self) -> int:
        return math.prod(len(range(part.start, part.stop, part.step)) for part in self.parts)


def _groups(stored: Sequence[int], shown: Sequence[int]) -> Iterator[_Group]:
    """The shapes, which have the same size, cut into the smallest parts of which that is true as well."""
    i = j = 0
    while i < len(stored) or j < len(shown):
        first = i, j
        have = want = 1
        if i < len(stored):
            have, i = stored[i], i + 1
        if j < len(shown):
            want, j = shown[j], j + 1
        while have != want:
            if have < want:
                have, i = have * stored[i], i + 1
            else:
                want, j = want * shown[j], j + 1
        yield _Group(tuple(stored[first[0] : i]), tuple(shown[first[1] : j]), slice(first[1], j))


def _runs_of(group: _Group, index: NDSlice, *, is_first: bool) -> list[_Run]:
    """What to read of a group of axes for an index of the shown ones; several runs for the first group only."""
    if group.stored == group.lengths:
        return [_Run(tuple(map(_as_slice, index)))]
    full = tuple(slice(0, length, 1) for length in group.stored[1:])
    if not group.stored:
        return [_Run(())]
    flat = _flat(group.lengths, index)
    row = math.prod(group.stored[1:])
    touched = np.unique(flat // row) if is_first else np.arange(flat[0] // row, flat[-1] // row + 1)
    runs = []
    for rows in _slices(touched):
        mine = flat[np.searchsorted(flat, rows.start * row) : np.searchsorted(flat, rows.stop * row)]
        taken = (mine // row - rows.start) // rows.step * row + mine % row
        run = _Run((rows, *full))
        runs.append(run if len(taken) == run.size else _Run(run.parts, taken))
    return runs


def _flat(lengths: Sequence[int], index: NDSlice) -> NDArray[np.int64]:
    """The places, in ascending order, of what an index selects of an array of these lengths when it is flat."""
    found = np.zeros(1, np.int64)
    for length, part in zip(lengths, index, strict=True):
        places = np.arange(length, dtype=np.int64)[_as_slice(part)]
        found = (found[:, None] * length + places).ravel()
    return found


def _slices(rows: NDArray[np.int64]) -> Iterator[slice]:
    """Ascending numbers as few slices."""
    start = 0
    while start < len(rows):
        stop = start + 1
        step = int(rows[stop] - rows[start]) if stop < len(rows) else 1
        while stop < len(rows) and rows[stop] - rows[stop - 1] == step:
            stop += 1
        yield slice(int(rows[start]), int(rows[stop - 1]) + 1, step)
        start = stop


def _as_slice(part: Part) -> slice:
    return slice(part, part + 1, 1) if isinstance(part, int) else part
