"""A dataset as a table: one row for each point of the grid that its dimensions span, as `to_dataframe` has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiled_xarray.chosen import Variable, chosen_variables, sizes_of
from tiledkernel.errors import TooLarge
from tiledkernel.families.container.payload import ContainerPayload
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.payload import TablePayload

_TABULAR = frozenset("biufmMSU")  # kinds of elements


def as_table(payload: ContainerPayload) -> TablePayload:
    """The variables that were asked for, as columns.

    The dimensions come first, by their coordinates (by numbers if they have none, and there are several), then data
    variables, then other coordinates. Data variables bring the coordinates of their dimensions along.
    """
    variables = list(chosen_variables(payload, _fits))
    sizes = sizes_of(variables)
    rows = math.prod(sizes.values())
    nbytes = rows * sum(variable.entry.node.structure.data_type.itemsize for variable in variables)
    if payload.limit is not None and nbytes > payload.limit:
        raise TooLarge(
            f"as a table this dataset has {rows:_} rows, {nbytes:_} bytes, more than the {payload.limit:_} that this "
            "server sends at once: name fewer variables, or read them one by one as arrays"
        )
    columns = {variable.name: _spread(_read(variable), variable.dims, sizes) for variable in variables}
    if len(sizes) > 1:
        for name, size in sizes.items():
            columns.setdefault(name, _spread(np.arange(size), (name,), sizes))
    first = [name for name in sizes if name in columns]
    order = [*first, *(name for name in columns if name not in sizes)]
    return TablePayload(MemoryTable({name: columns[name] for name in order}), None, [0], payload.limit)


def _fits(variable: Variable) -> bool:
    """Whether a column can hold its elements."""
    return variable.entry.node.structure.data_type.kind in _TABULAR


def _read(variable: Variable) -> NDArray[Any]:
    with variable.entry.guard:
        return variable.payload.read()


def _spread(values: NDArray[Any], dims: tuple[str, ...], sizes: Mapping[str, int]) -> NDArray[Any]:
    """The values at every point of the grid, row by row."""
    places = {dim: place for place, dim in enumerate(sizes)}
    order = sorted(range(len(dims)), key=lambda axis: places[dims[axis]])
    shape = tuple(size if dim in dims else 1 for dim, size in sizes.items())
    whole = np.broadcast_to(values.transpose(order).reshape(shape), tuple(sizes.values()))
    return np.ascontiguousarray(whole).reshape(-1)
