"""Store a dataset: a container with an array for each variable and each coordinate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray
from msgspec import Struct

from tiled_xarray.specs import COORDINATE, DATA_VARIABLE, DATASET
from tiledkernel.client.creating import checked_key, checked_metadata, creating
from tiledkernel.client.plans import Plan, together
from tiledkernel.families.array.client_elements import as_elements, describe_elements, is_lazy
from tiledkernel.families.array.client_writing import check_threads, making_array
from tiledkernel.specs import Spec, as_spec

if TYPE_CHECKING:
    from tiledkernel.client.node import Node

_AT_ONCE = 4  # variables


class _Part(Struct, frozen=True):
    """A variable that is to be stored."""

    key: str
    data: Any
    dims: tuple[str, ...]
    metadata: dict[str, Any]
    spec: Spec


def writing_dataset(  # noqa: PLR0913 - what a node is described with
    container: Node,
    dataset: xarray.Dataset,
    *,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
) -> Plan[Any]:
    """A new container with the variables of a dataset; ValueError, before anything is made, if one cannot be stored."""
    if not isinstance(dataset, xarray.Dataset):
        raise TypeError(
            f"expected an xarray.Dataset, not {type(dataset).__name__}: a DataArray becomes one with "
            "`.to_dataset(name=...)`"
        )
    parts = list(_parts(dataset))
    if any(is_lazy(part.data) for part in parts):
        check_threads(container)
    tags = None if access_tags is None else list(access_tags)
    node = yield from creating(
        container,
        "container",
        [],
        key=key,
        metadata={"attrs": dict(dataset.attrs), **(metadata or {})},
        specs=[*(spec for spec in map(as_spec, specs or ()) if spec != DATASET), DATASET],
        access_tags=tags,
    )
    arrays: list[Any] = []
    for part in parts:  # one after the other, as a container keeps the order in which its children are made
        array = yield from making_array(
            node,
            part.data,
            dims=part.dims,
            key=part.key,
            metadata=part.metadata,
            specs=[part.spec],
            access_tags=tags,
        )
        arrays.append(array)
    sending = (array.filling(part.data) for array, part in zip(arrays, parts, strict=True))
    yield from together(sending, _AT_ONCE)
    return node


def _parts(dataset: xarray.Dataset) -> Iterator[_Part]:
    """Data variables and then coordinates."""
    for name in (*dataset.data_vars, *dataset.coords):
        variable = dataset.variables[name]
        spec = COORDINATE if name in dataset.coords else DATA_VARIABLE
        dims = tuple(map(str, variable.dims))
        try:
            data = _elements(variable)
            describe_elements(data, dims)
            metadata = checked_metadata({"attrs": dict(variable.attrs)})
            yield _Part(checked_key(str(name)), data, dims, metadata, spec)
        except ValueError as error:
            raise ValueError(f"the variable {name!r} of this dataset cannot be stored: {error}") from error


def _elements(variable: xarray.Variable) -> Any:
    """The elements, not computed yet if they belong to dask; texts of any length get the width of the longest."""
    if is_lazy(variable.data):
        return variable.data
    values = np.asarray(variable.values)
    if values.dtype.hasobject and values.dtype.names is None:
        for kind, fixed in ((str, np.str_), (bytes, np.bytes_)):
            if all(isinstance(element, kind) for element in values.flat):
                return values.astype(fixed)
    return as_elements(values)
