"""The client of an array: what is indexed is all that travels."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tiledkernel.blocks import block_bounds
from tiledkernel.client.bodies import read_into
from tiledkernel.client.calls import Call, call_array
from tiledkernel.client.exporting import save
from tiledkernel.client.node import Node
from tiledkernel.client.parallel import Stopped, run_parallel
from tiledkernel.errors import Unprocessable
from tiledkernel.families.array.client_memory import targets
from tiledkernel.families.array.client_selection import MAX_PIECE, Piece, cut_index, directed_index, divide, short_index
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.slices import Cut, format_slice

_MANY_CHUNKS = 5  # along one axis; more are abbreviated


class ArrayClient(Node):
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

    def read(self, slice: Any = ...) -> NDArray[Any]:  # noqa: A002 - the name that users know
        """The array, or what a slice selects of it.

        Parameters
        ----------
        slice
            Integers, slices and '...', as numpy takes them: `numpy.s_[0, ::2]`.

        Examples
        --------
        >>> x.read()
        >>> x.read(numpy.s_[:10, -1])  # the same as x[:10, -1]
        """
        return self[... if slice is None else slice]

    def __getitem__(self, index: Any) -> NDArray[Any]:
        cut = cut_index(index, self.shape)
        result = np.empty(cut.shape, self.dtype)
        if result.nbytes:
            tasks = [partial(self._fetch_piece, result, piece) for piece in self._pieces(cut)]
            run_parallel(tasks, self.context.max_connections)
        return np.flip(result, cut.flipped) if cut.flipped else result

    def fetch_count(self, slice: Any = ...) -> int:  # noqa: A002 - as in read()
        """The number of requests that `read` will make."""
        return len(self._pieces(cut_index(... if slice is None else slice, self.shape)))

    def _pieces(self, cut: Cut) -> list[Piece]:
        return divide(cut, self.chunks, self.dtype.itemsize, self.largest_piece)

    def _fetch_piece(self, result: NDArray[Any], piece: Piece, stop: threading.Event) -> None:
        if stop.is_set():
            raise Stopped
        text = format_slice(short_index(piece.index, self.shape))
        where: Any = (*piece.target, ...)  # the ellipsis keeps an array where all axes are integers
        self._fetch_into(result[where], call_array(self._link("full"), piece.shape, text))

    def _fetch_into(self, target: NDArray[Any], call: Call) -> None:
        self.context.data(call, lambda response: read_into(response, targets(target)), size=target.nbytes)

    def read_block(self, block: int | Sequence[int], slice: Any = ...) -> NDArray[Any]:  # noqa: A002 - as in read()
        """One chunk by its index along each axis, or what a slice selects within it."""
        index = (block,) if isinstance(block, int) else tuple(block)
        try:
            bounds = block_bounds(index, self.chunks) if min(index, default=0) >= 0 else None
        except Unprocessable as error:
            raise IndexError(str(error)) from None
        if bounds is None:
            raise IndexError(f"no block {index}: the indices of blocks begin at 0")
        shape = tuple(bound.stop - bound.start for bound in bounds)
        cut = cut_index(... if slice is None else slice, shape)
        result = np.empty(cut.shape, self.dtype)
        if result.nbytes:
            text = format_slice(short_index(cut.index, shape))
            self._fetch_into(result, call_array(self._item["links"]["block"], cut.shape, text, index))
        return np.flip(result, cut.flipped) if cut.flipped else result

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001 - numpy calls it so
        if copy is False:
            raise ValueError("an array on a server cannot be used without copying it here")
        array = self.read()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        """Along the first axis, chunk by chunk."""
        if not self.shape:
            raise TypeError("an array without dimensions cannot be iterated")
        start = 0
        for length in self.chunks[0]:
            yield from self[start : start + length]
            start += length

    # Export and display

    def export(
        self,
        filepath: Any,
        *,
        format: str | None = None,  # noqa: A002 - the name that users know
        slice: Any = ...,  # noqa: A002 - as in read()
    ) -> None:
        """Save the array, or what a slice selects of it.

        Parameters
        ----------
        filepath
            A path, whose suffix names the format, or a writable binary buffer.
        format
            A suffix such as 'png' or a media type such as 'image/png'.
        slice
            As in `read`.

        Examples
        --------
        >>> x.export("image.png", slice=numpy.s_[:50, -50:])
        """
        cut = cut_index(... if slice is None else slice, self.shape)
        text = format_slice(directed_index(cut, self.shape))
        save(self.context, self._link("full"), filepath, format, parameters=[("slice", text)] if text else [])

    def __repr__(self) -> str:
        chunks = ", ".join(map(format_chunks, self.chunks))
        dims = f" dims={self.dims}" if self.dims else ""
        return f"<{type(self).__name__} shape={self.shape} chunks=({chunks}) dtype={self.dtype}{dims}>"


def format_chunks(lengths: Sequence[int]) -> str:
    """The chunk lengths along one axis, abbreviated if there are many."""
    if len(lengths) <= _MANY_CHUNKS:
        return repr(tuple(lengths))
    first, last = lengths[0], lengths[-1]
    if any(length != first for length in lengths[:-1]):
        return "variable"
    return f"({first}, {first}, ..., {last})" if last == first else f"({first}, {first}, ..., {first}, {last})"
