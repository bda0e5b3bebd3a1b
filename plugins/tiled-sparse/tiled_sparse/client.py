"""The client of a sparse array; numpy, pyarrow and sparse load when elements are read or written."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tiled_sparse.structure import SparseStructure
from tiledkernel import references
from tiledkernel.client.calls import Call, Parameters, call_upload, without_query
from tiledkernel.client.plans import Plan, ask_bytes, ask_upload
from tiledkernel.families.array.client_indexed import IndexedClient
from tiledkernel.families.array.client_selection import cut_block, cut_index, directed_index, short_index
from tiledkernel.media_types import ARROW_FILE
from tiledkernel.slices import Cut, format_slice

if TYPE_CHECKING:
    import numpy as np
    import sparse
    from numpy.typing import NDArray


class SparseClient(IndexedClient):
    """A sparse array on the server: index it as a numpy array, and only the stored elements in it are fetched.

    >>> x[:100]
    >>> x.read().sum()
    """

    structure_type: ClassVar = SparseStructure

    def structure(self) -> SparseStructure:
        """Shape, chunks, dimension names and element type."""
        structure: SparseStructure = super().structure()
        return structure

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis, stored or not."""
        return self.structure().shape

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
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        found: np.dtype[Any] = references.load("tiledkernel.families.array.dtypes:to_numpy")(self.structure().data_type)
        return found

    # Reading

    def __getitem__(self, index: Any) -> sparse.COO:
        cut = cut_index(index, self.shape)
        return self._run(self._fetching(cut, format_slice(short_index(cut.index, self.shape)), self._link("full"), []))

    def read_block(self, block: int | Sequence[int], slice: Any = ...) -> sparse.COO:  # noqa: A002 - as in read()
        """One chunk by its index along each axis, or what a slice selects within it."""
        index, cut, text = cut_block(block, slice, self.chunks)
        parameters = [("block", ",".join(map(str, index)))]
        return self._run(self._fetching(cut, text, self._link("block"), parameters))

    def _fetching(self, cut: Cut, text: str, url: str, parameters: Parameters) -> Plan[sparse.COO]:
        decode: Callable[..., sparse.COO] = references.load("tiled_sparse.client_coo:decode")
        if not cut.size:
            return decode(None, cut, self.dtype)
        if cut.index and not cut.shape:  # one element: asked for as an array, which servers of all versions can send
            index = tuple(builtins.slice(part, part + 1, 1) for part in cut.index if isinstance(part, int))
            one = Cut(index, (1,) * len(index))
            found = yield from self._fetching(one, format_slice(index), url, parameters)
            return found.reshape(())
        asked = [*parameters, ("slice", text)] if text else parameters
        call = Call(url=without_query(url), parameters=asked, headers={"accept": ARROW_FILE})
        return decode((yield from ask_bytes(call)), cut, self.dtype)

    def todense(self) -> NDArray[Any]:
        """The whole array with its zeros, as a numpy array."""
        return self._run(self._reading_dense())

    def _reading_dense(self) -> Plan[NDArray[Any]]:
        found = yield from self._fetching(cut_index(..., self.shape), "", self._link("full"), [])
        dense: NDArray[Any] = found.todense()
        return dense

    # Writing

    def write(self, coords: Any, data: Any) -> None:
        """Replace all elements.

        Parameters
        ----------
        coords
            Their coordinates, one row for each axis.
        data
            Their values, in the same order.

        Examples
        --------
        >>> x.write([[0, 2], [1, 1]], [3.8, 4.0])
        """
        return self._run(self._writing(coords, data))

    def write_block(self, coords: Any, data: Any, block: int | Sequence[int]) -> None:
        """Replace the elements of one chunk, named by its index along each axis.

        Parameters
        ----------
        coords
            Their coordinates within the chunk, one row for each axis.
        data
            Their values, in the same order.
        block
            The index of the chunk.

        Examples
        --------
        >>> x.write_block([[0, 2], [1, 1]], [3.8, 4.0], block=(0, 1))
        """
        index, cut, _ = cut_block(block, ..., self.chunks)
        return self._run(self._writing_part(coords, data, cut.shape, "block", [("block", ",".join(map(str, index)))]))

    def _writing(self, coords: Any, data: Any) -> Plan[None]:
        yield from self._writing_part(coords, data, self.shape, "full", [])

    def _writing_part(
        self, coords: Any, data: Any, shape: tuple[int, ...], link: str, parameters: Parameters
    ) -> Plan[None]:
        encode: Callable[..., Any] = references.load("tiled_sparse.client_writing:encode")
        body = encode(coords, data, shape, self.dtype)
        yield from ask_upload(call_upload("PUT", self._link(link), body, ARROW_FILE, parameters))

    # Export and display

    def _slice_text(self, index: Any) -> str:
        return format_slice(directed_index(cut_index(index, self.shape), self.shape))

    def __repr__(self) -> str:
        dims = f" dims={self.dims}" if self.dims else ""
        return f"<{type(self).__name__} shape={self.shape} chunks={self.chunks}{dims}>"
