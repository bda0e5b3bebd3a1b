"""The client of an array that reads later: it gives arrays of dask, which loads when the first is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tiledkernel.blocks import block_bounds
from tiledkernel.client.lazy import load_with_dask
from tiledkernel.families.array.client import ArrayClient
from tiledkernel.families.array.client_selection import cut_block
from tiledkernel.families.array.client_source import ArraySource

if TYPE_CHECKING:
    import dask.array as da
    from numpy.typing import NDArray


class DaskArrayClient(ArrayClient):
    """An array on the server: index it, and get an array of dask, whose chunks are fetched when it is computed.

    >>> x[:2, ::10].mean().compute()
    >>> x.compute()
    """

    def read(self, slice: Any = ...) -> da.Array:  # noqa: A002 - the name that users know
        """The array, or what a slice selects of it, to be fetched later: each chunk in one request.

        Parameters
        ----------
        slice
            Integers, slices and '...', as numpy takes them: `numpy.s_[0, ::2]`; lists, masks, names of fields and new
            axes are selected from chunks that have been fetched.

        Examples
        --------
        >>> x.read()
        >>> x.read(numpy.s_[:10, -1])  # the same as x[:10, -1]
        """
        return self[... if slice is None else slice]

    def __getitem__(self, index: Any) -> da.Array:  # type: ignore[override]  # it is read later
        source = ArraySource(self)
        try:
            selection = source.select(index)
        except IndexError:  # lists, masks, fields and new axes are known to dask, which says what is wrong with others
            selection = None
        found: da.Array = _lazy_array(source)[index] if selection is None else _lazy_array(selection)
        return found

    def read_block(self, block: int | Sequence[int], slice: Any = ...) -> da.Array:  # type: ignore[override]  # noqa: A002 - as in read()
        """One chunk by its index along each axis, or what a slice selects within it, to be fetched later."""
        where, _, _ = cut_block(block, slice, self.chunks)
        chunk = ArraySource(self).select(block_bounds(where, self.chunks))
        return _lazy_array(chunk.select(... if slice is None else slice))

    def compute(self) -> NDArray[Any]:
        """All elements, now: in as few requests as the server allows."""
        return self._run(self.reading(...))

    def __iter__(self) -> Iterator[da.Array]:
        """Along the first axis, each element to be fetched later."""
        return iter(self.read())


def _lazy_array(source: ArraySource) -> da.Array:
    build: Callable[[ArraySource], da.Array] = load_with_dask("tiledkernel.families.array.client_graph:lazy_array")
    return build(source)
