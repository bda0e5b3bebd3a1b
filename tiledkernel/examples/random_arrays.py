"""Arrays of random numbers that nobody stores: each element is computed when it is asked for, always the same."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY
from tiledkernel.slices import Cut, Part
from tiledkernel.specs import Spec

SMALL = 256 << 10  # bytes that are computed faster than another thread would take over
SPARSE = 8  # from this step on, rows are computed one by one, without those between them
_PER_COUNT = 4  # numbers that Philox makes of one value of its counter


class RandomArray:
    """An array node of float64 numbers, uniform in [0, 1).

    The numbers of a block come from a counter-based generator with the seed and the block's number as its key, so
    that a slice costs what it selects, whatever was read before it. `chunks` is as for `describe_array`.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(
        self,
        shape: Sequence[int],
        *,
        seed: int,
        chunks: Sequence[int] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.structure = describe_array(shape, np.dtype(np.float64), chunks)
        self.metadata: Mapping[str, Any] = {} if metadata is None else metadata
        self.in_memory = self.structure.nbytes <= SMALL
        self._seed = seed
        self._counts = tuple(map(len, self.structure.chunks))
        self._bounds = [(0, *itertools.accumulate(lengths)) for lengths in self.structure.chunks]

    def read(self, cut: Cut) -> NDArray[np.float64]:
        """The selected elements; of each block only the rows that are needed are computed."""
        out = np.empty(cut.shape)
        axes = [list(_pieces(part, bounds)) for part, bounds in zip(cut.index, self._bounds, strict=True)]
        for pieces in itertools.product(*axes):
            target = tuple(piece.target for piece in pieces if piece.target is not None)
            out[target] = self._read_block(pieces)
        return out

    def _read_block(self, pieces: tuple[_Piece, ...]) -> NDArray[np.float64]:
        block = tuple(piece.block for piece in pieces)
        shape = [lengths[index] for lengths, index in zip(self.structure.chunks, block, strict=True)]
        if not shape:
            return self._numbers(block, 0, 1).reshape(())
        rows, rest = pieces[0].local, tuple(piece.local for piece in pieces[1:])
        if isinstance(rows, int):
            return self._rows(block, shape, rows, 1)[(0, *rest)]
        if rows.step < SPARSE:
            return self._rows(block, shape, rows.start, rows.stop - rows.start)[(slice(None, None, rows.step), *rest)]
        return np.stack(
            [self._rows(block, shape, row, 1)[(0, *rest)] for row in range(rows.start, rows.stop, rows.step)]
        )

    def _rows(self, block: tuple[int, ...], shape: Sequence[int], first: int, count: int) -> NDArray[np.float64]:
        """Some rows of a block, which lie one after the other: those before and after them cost nothing."""
        size = math.prod(shape[1:])
        return self._numbers(block, first * size, count * size).reshape((count, *shape[1:]))

    def _numbers(self, block: tuple[int, ...], start: int, count: int) -> NDArray[np.float64]:
        """`count` numbers of a block, from its element `start` on."""
        number = int(np.ravel_multi_index(block, self._counts)) if block else 0
        generator = np.random.Philox(key=np.array([self._seed, number], dtype=np.uint64))
        skipped, surplus = divmod(start, _PER_COUNT)
        generator.advance(skipped)
        return np.random.Generator(generator).random(surplus + count)[surplus:]

    def stamp(self, cut: Cut | None) -> Hashable:
        """The seed and the layout, which decide every element."""
        del cut
        return "random", self._seed, self.structure.chunks

    def __repr__(self) -> str:
        return f"<RandomArray shape={self.structure.shape} seed={self._seed}>"


class _Piece(Struct, frozen=True):
    """What a slice takes of one block along one axis, and where it goes in the result (None: the axis is dropped)."""

    block: int
    local: Part
    target: slice | None


def _pieces(part: Part, bounds: Sequence[int]) -> Iterator[_Piece]:
    for block, (low, high) in enumerate(itertools.pairwise(bounds)):
        if isinstance(part, int):
            if low <= part < high:
                yield _Piece(block, part - low, None)
            continue
        first = max(0, -((part.start - low) // part.step))  # the first selected position that is not below `low`
        selected = range(part.start, min(part.stop, high), part.step)
        if first < len(selected):
            local = slice(selected[first] - low, selected[-1] - low + 1, part.step)
            yield _Piece(block, local, slice(first, len(selected)))
