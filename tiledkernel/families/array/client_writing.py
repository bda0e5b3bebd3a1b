"""The client of an array that is written: as a whole, by block, or from an offset on."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, SupportsIndex

import msgspec
import numpy as np
from numpy.typing import NDArray

from tiledkernel.blocks import block_bounds
from tiledkernel.client.calls import Parameters, call_upload
from tiledkernel.client.conflicts import in_words_of_python
from tiledkernel.client.connection import CannotWait
from tiledkernel.client.context import Context
from tiledkernel.client.creating import creating
from tiledkernel.client.data_sources import DataSource
from tiledkernel.client.errors import ClientError
from tiledkernel.client.lazy import Remote, load_with_dask
from tiledkernel.client.plans import Plan, ask_upload, together
from tiledkernel.families.array.client_elements import as_elements, describe_elements, fitting, is_lazy, packed
from tiledkernel.families.array.client_indexed import IndexedClient
from tiledkernel.families.array.client_selection import cut_block
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.media_types import ARRAY_BYTES

if TYPE_CHECKING:
    from tiledkernel.client.node import Node
    from tiledkernel.specs import Spec

_AT_ONCE = 4  # blocks that travel at the same time; each may have to be copied before


class WritingArray(IndexedClient):
    """The writing half of an array."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""

    def write(self, array: Any, persist: bool = True) -> None:  # noqa: FBT001, FBT002 - users know it as the second argument
        """Replace all elements; others who read see those from before, or all of the new ones.

        Parameters
        ----------
        array
            Of the same shape and type. One of dask is written chunk by chunk.
        persist
            Whether the server keeps the elements, or only tells those who listen.

        Examples
        --------
        >>> x.write(numpy.zeros(x.shape, x.dtype))
        """
        return self._run(self.writing(array, persist=persist))

    def writing(self, array: Any, *, persist: bool = True) -> Plan[None]:
        """What `x.write(array)` does, for another plan."""
        if is_lazy(array):
            yield from self._writing_lazily(array, persist=persist)
            return
        elements = self._fitting(array, self.structure().shape)
        with _naming(elements.shape):
            yield from self._sending("PUT", "full", elements, [], persist=persist)

    def write_block(
        self,
        array: Any,
        block: int | Sequence[int],
        slice: Any = ...,  # noqa: A002 - the name that users know
        persist: bool = True,  # noqa: FBT001, FBT002 - users know it as the fourth argument
    ) -> None:
        """Replace one chunk, by its index along each axis, or what a slice selects within it.

        >>> x.write_block(numpy.ones((10, 10)), (0, 2))
        >>> x.write_block(numpy.ones(10), (0, 2), slice=numpy.s_[-1])  # the last row of this chunk
        """
        return self._run(self.writing_block(array, block, slice, persist=persist))

    def writing_block(
        self, array: Any, block: int | Sequence[int], selected: Any = ..., *, persist: bool = True
    ) -> Plan[None]:
        """What `x.write_block(array, block, slice)` does, for another plan."""
        where, cut, text = cut_block(block, selected, self.structure().chunks)
        elements = self._fitting(array, cut.shape)
        if cut.flipped:
            elements = np.flip(elements, cut.flipped)
        named = [("block", ",".join(map(str, where))), *([("slice", text)] if text else [])]
        with _naming(elements.shape):
            yield from self._sending("PUT", "block", elements, named, persist=persist)

    def patch(
        self,
        array: Any,
        offset: int | Sequence[int],
        extend: bool = False,  # noqa: FBT001, FBT002 - users know it as the third argument
        persist: bool = True,  # noqa: FBT001, FBT002 - and this as the fourth
    ) -> None:
        """Write elements from an offset on.

        Parameters
        ----------
        array
            As many axes as there are, and of the same type; a list will do.
        offset
            Where the first of them belongs: a number, or one for each axis; those left out are 0.
        extend
            Whether the array may grow, if they reach beyond it.
        persist
            Whether the server keeps the elements, or only tells those who listen.

        Raises
        ------
        tiledkernel.utils.Conflicts
            If they reach beyond the array, and it may not grow.

        Examples
        --------
        >>> x.patch([4, 5, 6], offset=len(x), extend=True)
        """
        return self._run(self.patching(array, offset, extend=extend, persist=persist))

    def patching(
        self, array: Any, offset: int | Sequence[int], *, extend: bool = False, persist: bool = True
    ) -> Plan[None]:
        """What `x.patch(array, offset)` does, for another plan."""
        elements = fitting(array, self.dtype)
        start = _place(offset)
        named = [("offset", _numbers(start)), ("shape", _numbers(elements.shape))]
        if extend:
            named.append(("extend", "true"))
        with in_words_of_python():
            answer = yield from self._sending("PATCH", "full", elements, named, persist=persist)
        if answer is not None:
            self._take_over(answer)

    def _take_over(self, described: Any) -> None:
        """The structure that the server says the array has by now."""
        self._structure = msgspec.convert(described, ArrayStructure)
        self._item = {**self._item, "attributes": {**self._attributes, "structure": described}}

    def _fitting(self, array: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """Elements of our type; those that are as many bytes in another shape would be taken for others."""
        elements = fitting(array, self.dtype)
        if elements.shape != shape and elements.size == int(np.prod(shape)):
            raise ValueError(f"data of shape {elements.shape} do not fit the shape {shape}: reshape them first")
        return elements

    def _sending(
        self, method: Any, link: str, elements: NDArray[Any], named: Parameters, *, persist: bool
    ) -> Plan[Any]:
        """Elements on their way; whatever happens to the connection, sending them again does no harm."""
        parameters = [*named, *([] if persist else [("persist", "false")])]
        content = packed(elements, self.structure())
        return (
            yield from ask_upload(
                call_upload(method, self._link(link), content, ARRAY_BYTES, parameters, repeatable=True)
            )
        )

    def filling(self, data: Any) -> Plan[None]:
        """Write all elements of an array of numpy or dask: as one request, or several blocks at the same time."""
        structure = self.structure()
        if not structure.size:
            return
        if is_lazy(data) or all(len(lengths) == 1 for lengths in structure.chunks):
            yield from self.writing(data)
            return
        blocks = np.ndindex(*map(len, structure.chunks))
        yield from together((self._writing_piece(data, block) for block in blocks), _AT_ONCE)

    def _writing_piece(self, elements: NDArray[Any], block: tuple[int, ...]) -> Plan[None]:
        yield from self.writing_block(elements[block_bounds(block, self.structure().chunks)], block)

    def _writing_lazily(self, array: Any, *, persist: bool = True) -> Plan[None]:
        """Write an array of dask, whose chunks are sent by the threads, or the machines, that compute them."""
        yield from ()
        check_threads(self)
        structure = self.structure()
        if array.shape != structure.shape:
            raise ValueError(f"data of shape {array.shape} do not fit the shape {structure.shape} of the array")
        store: Callable[..., None] = load_with_dask("tiledkernel.families.array.client_graph:store")
        store(array, BlockTarget(self, persist=persist))


class BlockTarget(Remote[WritingArray]):
    """An array on a server, as libraries that compute chunks want it: assigning to a slice of it writes a block."""

    def __init__(self, client: WritingArray, *, persist: bool) -> None:
        super().__init__(client)
        self._persist = persist

    def __setitem__(self, index: tuple[slice, ...], elements: Any) -> None:
        chunks = self.node.structure().chunks
        block = tuple(_position(part.start or 0, lengths) for part, lengths in zip(index, chunks, strict=True))
        self.run(self.node.writing_block(elements, block, persist=self._persist))


def check_threads(node: Node) -> None:
    """CannotWait if what threads compute cannot be sent by them."""
    if not isinstance(node.context, Context):
        raise CannotWait(
            "an array of dask is computed by threads, which cannot use an asynchronous connection: compute it before, "
            "`await asyncio.to_thread(array.compute)`; or connect with tiledkernel.client.from_uri"
        )


def writing_array(  # noqa: PLR0913 - what a node is described with
    container: Node,
    array: Any,
    *,
    dims: Sequence[str] | None = None,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
) -> Plan[Any]:
    """Store an array, a list of numbers or a number in a new node."""
    data = array if is_lazy(array) else as_elements(array)
    node = yield from making_array(
        container, data, dims=dims, key=key, metadata=metadata, specs=specs, access_tags=access_tags
    )
    yield from node.filling(data)
    return node


def making_array(  # noqa: PLR0913 - what a node is described with
    container: Node,
    data: Any,
    *,
    dims: Sequence[str] | None = None,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
) -> Plan[Any]:
    """A new node for an array of numpy or dask, without its elements yet: its client can send them, `filling(data)`."""
    if is_lazy(data):
        check_threads(container)
    source = DataSource(structure_family="array", structure=describe_elements(data, dims))
    return (
        yield from creating(
            container, "array", [source], key=key, metadata=metadata, specs=specs, access_tags=access_tags
        )
    )


@contextmanager
def _naming(shape: tuple[int, ...]) -> Iterator[None]:
    """Add the shape of what was sent to what the server says of its size."""
    try:
        yield
    except ClientError as error:
        if error.response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            error.add_note(f"The data that were sent have the shape {shape}.")
        raise


def _place(offset: int | Sequence[int]) -> tuple[int, ...]:
    """Where in an array; TypeError or ValueError for what can be no place."""
    try:
        start = tuple(map(operator.index, (offset,) if isinstance(offset, SupportsIndex) else offset))
    except TypeError:
        raise TypeError(f"offset={offset!r:.80}: expected a number, or one for each axis, such as (3, 0)") from None
    if any(number < 0 for number in start):
        raise ValueError(f"offset={offset!r:.80}: places are counted from the start of each axis, from 0 on")
    return start


def _numbers(values: Iterable[int]) -> str:
    return ",".join(str(int(value)) for value in values)


def _position(start: int, lengths: Sequence[int]) -> int:
    """Which chunk begins at a place; chunks without elements are passed over."""
    begin = 0
    for number, length in enumerate(lengths):
        if begin == start and length:
            return number
        begin += length
    raise ValueError(f"no chunk begins at {start}")
