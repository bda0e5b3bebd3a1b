"""The client of an array: what is indexed is all that travels."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tiledkernel.client.calls import Call, call_array
from tiledkernel.client.plans import Plan, ask_data, together
from tiledkernel.client.sinks import Filling
from tiledkernel.families.array.client_memory import targets
from tiledkernel.families.array.client_selection import (
    MAX_PIECE,
    Piece,
    cut_block,
    cut_index,
    directed_index,
    divide,
    short_index,
)
from tiledkernel.families.array.client_writing import WritingArray
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.slices import Cut, format_slice

_MANY_CHUNKS = 5  # along one axis; more are abbreviated


class ArrayClient(WritingArray):
    """An array on the server: index it as a numpy array, and only the selection is fetched.

    >>> x[:2, ::10]
    >>> numpy.asarray(x)
    """

    structure_type: ClassVar = ArrayStructure
    largest_piece: ClassVar[int] = MAX_PIECE

    def structure(self) -> ArrayStructure:
        """Shape, chunks, dimension names and element type."""
        structure: ArrayStructure = super().structure()
        return structure

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis."""
        return self.structure().shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return to_numpy(self.structure().data_type)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of the chunks along each axis."""
        return self.structure().chunks

    @property
    def dims(self) -> tuple[str, ...] | None:
        """The names of the axes, if they have names."""
        return self.structure().dims

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.structure().size

    @property
    def nbytes(self) -> int:
        """Size of the data in bytes."""
        return self.structure().nbytes

    # Reading

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return self._run(self.reading(index))

    def reading(self, index: Any) -> Plan[NDArray[Any]]:
        """What `x[index]` does, for another plan."""
        cut = cut_index(index, self.shape)
        result = np.empty(cut.shape, self.dtype)
        if result.nbytes:
            yield from together(self._fetching_piece(result, piece) for piece in self._pieces(cut))
        return np.flip(result, cut.flipped) if cut.flipped else result

    def fetch_count(self, slice: Any = ...) -> int:  # noqa: A002 - as in read()
        """The number of requests that `read` will make."""
        return len(self._pieces(cut_index(... if slice is None else slice, self.shape)))

    def _pieces(self, cut: Cut) -> list[Piece]:
        return divide(cut, self.chunks, self.dtype.itemsize, self.largest_piece)

    def _fetching_piece(self, result: NDArray[Any], piece: Piece) -> Plan[None]:
        text = format_slice(short_index(piece.index, self.shape))
        where: Any = (*piece.target, ...)  # the ellipsis keeps an array where all axes are integers
        return _filling(result[where], call_array(self._link("full"), piece.shape, text))

    def read_block(self, block: int | Sequence[int], slice: Any = ...) -> NDArray[Any]:  # noqa: A002 - as in read()
        """One chunk by its index along each axis, or what a slice selects within it."""
        return self._run(self._reading_block(block, slice))

    def _reading_block(self, block: int | Sequence[int], selected: Any) -> Plan[NDArray[Any]]:
        index, cut, text = cut_block(block, selected, self.chunks)
        result = np.empty(cut.shape, self.dtype)
        if result.nbytes:
            yield from _filling(result, call_array(self._item["links"]["block"], cut.shape, text, index))
        return np.flip(result, cut.flipped) if cut.flipped else result

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - numpy calls it so
        if copy is False:
            raise ValueError("an array on a server cannot be used without copying it here")
        array = self._run_now(self.reading(...), "numpy.asarray(await x.read())")
        return array if dtype is None else array.astype(dtype, copy=False)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        """Along the first axis, chunk by chunk."""
        for index in self._first_axis():
            yield from self._run_now(self.reading(index), "async for ... in")

    async def __aiter__(self) -> AsyncIterator[Any]:
        for index in self._first_axis():
            for row in await self.context.run(self.reading(index)):
                yield row

    def _first_axis(self) -> Iterator[builtins.slice]:
        if not self.shape:
            raise TypeError("an array without dimensions cannot be iterated")
        start = 0
        for length in self.chunks[0]:
            yield builtins.slice(start, start + length)
            start += length

    # Export and display

    def _slice_text(self, index: Any) -> str:
        return format_slice(directed_index(cut_index(index, self.shape), self.shape))

    def __repr__(self) -> str:
        chunks = ", ".join(map(format_chunks, self.chunks))
        dims = f" dims={self.dims}" if self.dims else ""
        return f"<{type(self).__name__} shape={self.shape} chunks=({chunks}) dtype={self.dtype}{dims}>"


def _filling(target: NDArray[Any], call: Call) -> Plan[None]:
    """Fill memory with the elements that answer a call."""
    return ask_data(call, lambda _: Filling(targets(target)), size=target.nbytes)


def format_chunks(lengths: Sequence[int]) -> str:
    """The chunk lengths along one axis, abbreviated if there are many."""
    if len(lengths) <= _MANY_CHUNKS:
        return repr(tuple(lengths))
    first, last = lengths[0], lengths[-1]
    if any(length != first for length in lengths[:-1]):
        return "variable"
    return f"({first}, {first}, ..., {last})" if last == first else f"({first}, {first}, ..., {first}, {last})"
