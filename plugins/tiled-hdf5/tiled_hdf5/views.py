"""Arrays that are made of others: a part of one, or several joined along their first axis."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import FAMILY, ArrayStructure
from tiledkernel.nodes.protocols import ArrayNode, Stamped
from tiledkernel.nodes.stamps import stamp_of
from tiledkernel.slices import Cut, NDSlice, Part, cut_shape, expand_ellipsis, parse_slice
from tiledkernel.specs import Spec

OpenArray = Callable[[Path], ArrayNode]


class Joined:
    """Arrays of several files, one after the other along their first axis; a file is open only while it is read.

    Unavailable names two files that differ in anything but the length of that axis.
    """

    family: ClassVar[str] = FAMILY

    def __init__(self, paths: Sequence[Path], open_array: OpenArray) -> None:
        self._paths = tuple(paths)
        self._open = open_array
        first = open_array(self._paths[0])
        self.metadata: Mapping[str, Any] = first.metadata
        self.specs: Sequence[Spec] = first.specs
        self._structures = [first.structure, *(self._like(first.structure, path) for path in self._paths[1:])]
        self._ends = list(itertools.accumulate(found.shape[0] for found in self._structures))
        self._dtype = to_numpy(first.structure.data_type)
        chunks = (tuple(chunk for found in self._structures for chunk in found.chunks[0]), *first.structure.chunks[1:])
        shape = (self._ends[-1], *first.structure.shape[1:])
        self.structure = describe_array(shape, self._dtype, chunks, first.structure.dims)

    def _like(self, first: ArrayStructure, path: Path) -> ArrayStructure:
        found = self._open(path).structure
        if not found.shape or (found.shape[1:], found.data_type) != (first.shape[1:], first.data_type):
            raise Unavailable(
                f"{path.name!r} holds {to_numpy(found.data_type)} of shape {found.shape}, but {self._paths[0].name!r} "
                f"{to_numpy(first.data_type)} of shape {first.shape}: files can only be joined if their arrays are "
                "alike but for the length of the first axis"
            )
        return found

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements, from the files that the first axis of the cut selects."""
        first, rest = cut.index[0], cut.index[1:]
        if isinstance(first, int):
            number = bisect.bisect_right(self._ends, first)
            return self._read(number, (first - self._start(number), *rest))
        if 0 in cut.shape:
            return np.empty(cut.shape, self._dtype)
        parts = []
        for number, end in enumerate(self._ends):
            start = self._start(number)
            skipped = max(0, -(-(start - first.start) // first.step))  # steps of the cut before this file
            wanted = range(first.start, min(first.stop, end), first.step)[skipped:]
            if wanted:
                parts.append(self._read(number, (slice(wanted[0] - start, wanted[-1] - start + 1, first.step), *rest)))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def stamp(self, cut: Cut | None) -> Hashable:
        """How all the files look on disk."""
        del cut
        return tuple(map(stamp_of, self._paths))

    def _start(self, number: int) -> int:
        return self._ends[number - 1] if number else 0

    def _read(self, number: int, index: NDSlice) -> NDArray[Any]:
        node = self._open(self._paths[number])
        if node.structure != self._structures[number]:
            raise NotReady(f"{self._paths[number].name!r} has changed since it was opened: ask again")
        return node.read(cut_shape(index, node.structure.shape))

    def __repr__(self) -> str:
        return f"<Joined {self.structure.shape} of {len(self._paths)} files>"


class Excerpt:
    """A part of an array, perhaps without its axes of length 1."""

    family: ClassVar[str] = FAMILY

    def __init__(self, node: ArrayNode, text: str | None, *, squeeze: bool) -> None:
        self._node = node
        whole = node.structure
        base = cut_shape(_parse(text or "", len(whole.shape)), whole.shape)
        if base.flipped:
            raise ValueError(f"the slice {text!r} runs backwards: expected positive steps")
        self._parts: list[int | range] = [
            part if isinstance(part, int) else range(part.start, part.stop, part.step) for part in base.index
        ]
        if squeeze:
            self._parts = [
                part.start if isinstance(part, range) and len(part) == 1 else part for part in self._parts
            ]  # fmt: skip
        kept = [axis for axis, part in enumerate(self._parts) if isinstance(part, range)]
        chunks = tuple(_chunks_within(self._parts[axis], whole.chunks[axis]) for axis in kept)
        dims = None if whole.dims is None else [whole.dims[axis] for axis in kept]
        self.structure = describe_array(list(map(sum, chunks)), to_numpy(whole.data_type), chunks, dims)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The attributes of the whole."""
        return self._node.metadata

    @property
    def specs(self) -> Sequence[Spec]:
        """Those of the whole."""
        return self._node.specs

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements of the part."""
        wanted = iter(cut.index)
        index = tuple(part if isinstance(part, int) else _within(part, next(wanted)) for part in self._parts)
        return self._node.read(cut_shape(index, self._node.structure.shape))

    def stamp(self, cut: Cut | None) -> Hashable:
        """How files besides the served one look on disk, if there are such."""
        del cut
        return self._node.stamp(None) if isinstance(self._node, Stamped) else None

    def __repr__(self) -> str:
        return f"<Excerpt {self.structure.shape} of {self._node!r}>"


def _parse(text: str, ndim: int) -> NDSlice:
    """A slice as numpy has it, perhaps in brackets and with an ellipsis."""
    bare = "".join(text.split()).removeprefix("(").removesuffix(")").removeprefix("[").removesuffix("]")
    before, ellipsis, after = bare.partition("...")
    if not ellipsis:
        return parse_slice(bare.removesuffix(","))
    parts = [*parse_slice(before.removesuffix(",")), ..., *parse_slice(after.removeprefix(",").removesuffix(","))]
    return expand_ellipsis(parts, ndim)


def _chunks_within(part: Any, chunks: Sequence[int]) -> tuple[int, ...]:
    """How many of the selected places lie in each chunk that holds some."""
    ends = itertools.accumulate(chunks)
    places = [bisect.bisect_left(part, end) for end in ends]
    counts = (stop - start for start, stop in itertools.pairwise([0, *places]))
    return tuple(count for count in counts if count) or (0,)


def _within(base: range, part: Part) -> Part:
    """What a part of a part is of the whole."""
    if isinstance(part, int):
        return base[part]
    chosen = base[part]
    return slice(chosen[0], chosen[-1] + 1, chosen.step) if chosen else slice(0, 0, 1)
