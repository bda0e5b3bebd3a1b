"""Sparse arrays that live in memory."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from msgspec import UNSET
from numpy.typing import ArrayLike

from tiled_sparse.elements import Coordinates, Elements, in_order, select
from tiled_sparse.structure import FAMILY, INT64, SparseStructure
from tiledkernel.blocks import Chunks
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.nodes.protocols import Node
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec, as_spec

_generations = itertools.count()


class SparseNode(Node, Protocol):
    """An n-dimensional array of which only some elements are stored; the others are zero."""

    @property
    def structure(self) -> SparseStructure:
        """Shape, chunks and element type."""

    def read(self, cut: Cut) -> Elements:
        """The stored elements at `cut.index`, with coordinates relative to it; `cut.flipped` is not its concern."""


class MemorySparse:
    """A sparse node around coordinates (one row per dimension) and the values there.

    `chunks` is a chunk shape or the chunk lengths per axis; one chunk if None. `dims` names the axes.
    """

    family: ClassVar[str] = FAMILY
    in_memory: ClassVar[bool] = True

    def __init__(  # noqa: PLR0913 - what holds the elements, and what describes them
        self,
        coords: ArrayLike,
        data: ArrayLike,
        shape: Sequence[int],
        *,
        chunks: Sequence[int] | Chunks | None = None,
        dims: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec | str] = (),
        generation: Hashable = UNSET,
        ordered: bool = False,
    ) -> None:
        values = np.asarray(data)
        places = _places(coords, len(shape), len(values))
        described = describe_array(shape, values.dtype, tuple(shape) if chunks is None else chunks, dims)
        self.structure = SparseStructure(
            shape=described.shape,
            chunks=described.chunks,
            data_type=described.data_type,
            coord_data_type=INT64,
            dims=described.dims,
        )
        elements = Elements(places, values.astype(to_numpy(described.data_type), copy=False), described.shape)
        self.elements = elements if ordered else in_order(_inside(elements))
        self.metadata: Mapping[str, Any] = {} if metadata is None else metadata
        self.specs = tuple(as_spec(spec) for spec in specs)
        self._generation = next(_generations) if generation is UNSET else generation

    def read(self, cut: Cut) -> Elements:
        """The stored elements in `cut`, with coordinates relative to it."""
        return self.elements if cut.whole else select(self.elements, cut)

    def stamp(self, cut: Cut | None) -> Hashable:
        """The generation of the data, or None if nobody can tell."""
        del cut
        return self._generation

    def __repr__(self) -> str:
        shape, count = self.structure.shape, len(self.elements.data)
        return f"<MemorySparse shape={shape} dtype={self.elements.data.dtype} of {count} elements>"


def _places(coords: ArrayLike, ndim: int, count: int) -> Coordinates:
    """Coordinates with one row per axis, one column per element; ValueError if they are arranged in another way."""
    given = np.asarray(coords)
    if given.size and given.dtype.kind not in "iu":
        raise ValueError(
            f"coordinates are whole numbers, counted from 0, not {given.dtype}: convert them with astype()"
        )
    flat = given.ndim == ndim == 1  # of a line, which has one row only
    if given.size and given.shape != (ndim, count) and not (flat and given.size == count):
        raise ValueError(
            f"coordinates of shape {given.shape} do not belong to {count} elements of an array of {ndim} axes: "
            f"expected {(ndim, count)}, one row for each axis, one column for each element"
        )
    return given.astype(np.int64, copy=False).reshape(ndim, count)


def _inside(elements: Elements) -> Elements:
    """The same elements; ValueError if some lie outside the array."""
    for axis, (places, length) in enumerate(zip(elements.coords, elements.shape, strict=True)):
        if len(places) and not 0 <= places.min() <= places.max() < length:
            raise ValueError(
                f"coordinates {places.min()} to {places.max()} of axis {axis} lie outside the shape {elements.shape}"
            )
    return elements


def adopt(
    live: Any, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: Hashable
) -> MemorySparse:
    """A sparse node for an array of the `sparse` library, in whichever of its layouts.

    ValueError for one that stands for something else than zero where nothing is stored: the wire has no place for it.
    """
    if live.fill_value != np.zeros((), live.dtype):
        raise ValueError(
            f"a sparse array whose fill value is {live.fill_value!r} cannot be served: only zero can be left out"
        )
    coo = live.asformat("coo")
    changeable = hasattr(live, "__setitem__")
    return MemorySparse(
        coo.coords,
        coo.data,
        coo.shape,
        metadata=metadata,
        specs=specs,
        generation=None if changeable else generation,
        ordered=True,  # as that library keeps them
    )
