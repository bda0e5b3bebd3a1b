"""A dataset as a table: one row for each point of the grid that its dimensions span, as `to_dataframe` has it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiled_xarray.specs import COORDINATE, DATA_VARIABLE
from tiledkernel.errors import NotAcceptable, TooLarge
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.families.container.payload import ContainerPayload
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.server.resolve import Entry
from tiledkernel.slices import cut_shape

_TABULAR = frozenset("biufmMSU")  # kinds of elements


class Variable(Struct, frozen=True):
    """A child of the dataset."""

    name: str
    entry: Entry
    dims: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each dimension."""
        shape: tuple[int, ...] = self.entry.node.structure.shape
        return shape

    @property
    def is_coordinate(self) -> bool:
        """Whether it says where, rather than what."""
        return COORDINATE in self.entry.node.specs

    @property
    def fits(self) -> bool:
        """Whether a column can hold its elements."""
        return self.entry.node.structure.data_type.kind in _TABULAR

    def read(self) -> NDArray[Any]:
        """All elements."""
        with self.entry.guard:
            return ArrayPayload(self.entry.node, cut_shape((), self.shape)).read()


def as_table(payload: ContainerPayload) -> TablePayload:
    """The variables that were asked for, as columns.

    The dimensions come first, by their coordinates (by numbers if they have none, and there are several), then data
    variables, then other coordinates. Data variables bring the coordinates of their dimensions along.
    """
    variables = list(_chosen(payload))
    sizes = _sizes(variables)
    rows = math.prod(sizes.values())
    nbytes = rows * sum(variable.entry.node.structure.data_type.itemsize for variable in variables)
    if payload.limit is not None and nbytes > payload.limit:
        raise TooLarge(
            f"as a table this dataset has {rows:_} rows, {nbytes:_} bytes, more than the {payload.limit:_} that this "
            "server sends at once: name fewer variables, or read them one by one as arrays"
        )
    columns = {variable.name: _spread(variable.read(), variable.dims, sizes) for variable in variables}
    if len(sizes) > 1:
        for name, size in sizes.items():
            columns.setdefault(name, _spread(np.arange(size), (name,), sizes))
    first = [name for name in sizes if name in columns]
    order = [*first, *(name for name in columns if name not in sizes)]
    return TablePayload(MemoryTable({name: columns[name] for name in order}), None, [0], payload.limit)


def _chosen(payload: ContainerPayload) -> Iterator[Variable]:
    """The variables that were asked for, and then the coordinates that belong to them."""
    asked = list(_variables(payload.children()))
    yield from asked
    if payload.fields is None or all(variable.is_coordinate for variable in asked):
        return
    names = {variable.name for variable in asked}
    dims = {dim for variable in asked for dim in variable.dims}
    for variable in _variables(ContainerPayload(payload.resolver, payload.entry).children()):
        if variable.is_coordinate and variable.name not in names and dims.issuperset(variable.dims) and variable.fits:
            yield variable


def _variables(children: Iterable[tuple[str, Entry]]) -> Iterator[Variable]:
    for name, entry in children:
        node = entry.node
        if node is None or node.family != "array" or not {COORDINATE, DATA_VARIABLE} & set(node.specs):
            raise NotAcceptable(
                f"{name!r} is no variable of a dataset: expected an array with the spec "
                f"{DATA_VARIABLE.name!r} or {COORDINATE.name!r}"
            )
        dims = node.structure.dims
        if dims is None and node.structure.shape:
            raise NotAcceptable(f"the dimensions of {name!r} have no names: without, its place in a table is unknown")
        yield Variable(name, entry, dims or ())


def _sizes(variables: Iterable[Variable]) -> dict[str, int]:
    """The dimensions with their lengths, in the order in which the variables name them."""
    sizes: dict[str, int] = {}
    for variable in variables:
        for dim, length in zip(variable.dims, variable.shape, strict=True):
            if sizes.setdefault(dim, length) != length:
                raise NotAcceptable(
                    f"{variable.name!r} has a length of {length} along {dim!r}, another variable of {sizes[dim]}: "
                    "they fit no common table"
                )
    return sizes


def _spread(values: NDArray[Any], dims: tuple[str, ...], sizes: Mapping[str, int]) -> NDArray[Any]:
    """The values at every point of the grid, row by row."""
    places = {dim: place for place, dim in enumerate(sizes)}
    order = sorted(range(len(dims)), key=lambda axis: places[dims[axis]])
    shape = tuple(size if dim in dims else 1 for dim, size in sizes.items())
    whole = np.broadcast_to(values.transpose(order).reshape(shape), tuple(sizes.values()))
    return np.ascontiguousarray(whole).reshape(-1)
