"""The variables of a dataset that a request asks for: those that it names, and the coordinates that belong to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from tiled_xarray.specs import COORDINATE, DATA_VARIABLE
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.families.container.payload import ContainerPayload
from tiledkernel.server.resolve import Entry
from tiledkernel.slices import cut_shape


class Variable(Struct, frozen=True):
    """A child of the dataset."""

    name: str
    entry: Entry
    dims: tuple[str, ...]

    @property
    def payload(self) -> ArrayPayload:
        """All elements, of which nothing is read yet; to be read with the guard of the entry."""
        node = self.entry.node
        return ArrayPayload(node, cut_shape((), node.structure.shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each dimension."""
        shape: tuple[int, ...] = self.entry.node.structure.shape
        return shape

    @property
    def is_coordinate(self) -> bool:
        """Whether it says where, rather than what."""
        return COORDINATE in self.entry.node.specs


def chosen_variables(payload: ContainerPayload, fits: Callable[[Variable], bool]) -> Iterator[Variable]:
    """The variables that were asked for, and then the coordinates of their dimensions, as far as they fit."""
    asked = list(_variables(payload.children()))
    yield from asked
    if payload.fields is None or all(variable.is_coordinate for variable in asked):
        return
    names = {variable.name for variable in asked}
    dims = {dim for variable in asked for dim in variable.dims}
    for variable in _variables(ContainerPayload(payload.resolver, payload.entry).children()):
        if variable.is_coordinate and variable.name not in names and dims.issuperset(variable.dims) and fits(variable):
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
            raise NotAcceptable(f"the dimensions of {name!r} have no names: without, its place among others is unknown")
        yield Variable(name, entry, dims or ())


def sizes_of(variables: Iterable[Variable]) -> dict[str, int]:
    """The dimensions with their lengths, in the order in which the variables name them."""
    sizes: dict[str, int] = {}
    for variable in variables:
        for dim, length in zip(variable.dims, variable.shape, strict=True):
            if sizes.setdefault(dim, length) != length:
                raise NotAcceptable(
                    f"{variable.name!r} has a length of {length} along {dim!r}, another variable of {sizes[dim]}: "
                    "they fit no common table or file"
                )
    return sizes
