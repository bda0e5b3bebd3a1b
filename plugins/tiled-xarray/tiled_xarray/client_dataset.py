"""A dataset put together from what the server sends: small variables as one table, the others as arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray
from msgspec import Struct
from numpy.typing import NDArray

from tiled_xarray.client import DatasetClient, roles_of
from tiled_xarray.specs import COORDINATE
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.plans import Plan
from tiledkernel.client.plans import together as at_once
from tiledkernel.families.table.client_frames import decode_arrow_file
from tiledkernel.media_types import ARROW_FILE

if TYPE_CHECKING:
    from tiledkernel.families.array.client import ArrayClient

LONG = 1_000_000  # elements: from here on a variable is fetched as an array, in pieces
_TABULAR = "biufM"  # kinds of elements that a table holds as they are

Arrays: TypeAlias = dict[str, NDArray[Any]]


class Part(Struct, frozen=True):
    """A variable that is to be read."""

    name: str
    array: Any  # ArrayClient
    is_coordinate: bool

    @property
    def dims(self) -> tuple[str, ...]:
        """The names of its dimensions."""
        array: ArrayClient = self.array
        if array.dims is None and array.ndim:
            raise ValueError(f"the dimensions of {self.name!r} have no names: it is no variable of a dataset")
        return array.dims or ()

    def variable(self, values: Any, encoding: Mapping[str, Any] | None = None) -> xarray.Variable:
        """It with these elements, and its attributes."""
        return xarray.Variable(self.dims, values, dict(self.array.metadata.get("attrs") or {}), encoding)


def reading(client: DatasetClient, names: Sequence[str] | None, *, together: bool) -> Plan[xarray.Dataset]:
    """The variables of these names (None: all), with the coordinates that belong to them."""
    chosen = list(_chosen((yield from finding_parts(client)), names))
    arrays = yield from _fetching(client, chosen, together=together)
    return _dataset(client, chosen, {part.name: part.variable(arrays[part.name]) for part in chosen})


def reading_labels(
    client: DatasetClient,
    names: Sequence[str] | None,
    lazily: Callable[[Part], xarray.Variable],
    *,
    dropped: Collection[str] = (),
    together: bool = True,
) -> Plan[xarray.Dataset]:
    """The same without those `dropped`; only labels of dimensions, by which xarray selects, are fetched."""
    found = [part for part in (yield from finding_parts(client)) if part.name not in dropped]
    chosen = list(_chosen(found, names))
    arrays = yield from _fetching(client, [part for part in chosen if part.dims == (part.name,)], together=together)
    variables = {
        part.name: part.variable(arrays[part.name]) if part.name in arrays else lazily(part) for part in chosen
    }
    return _dataset(client, chosen, variables)


def finding_parts(client: DatasetClient) -> Plan[list[Part]]:
    """All variables."""
    items = yield from client.describing_variables()
    return [Part(name, client.client_of(item), COORDINATE.name in roles_of(item)) for name, item in items.items()]


def _dataset(client: DatasetClient, parts: Sequence[Part], variables: Mapping[str, xarray.Variable]) -> xarray.Dataset:
    return xarray.Dataset(
        data_vars={part.name: variables[part.name] for part in parts if not part.is_coordinate},
        coords={part.name: variables[part.name] for part in parts if part.is_coordinate},
        attrs=dict(client.metadata.get("attrs") or {}),
    )


def _chosen(parts: Sequence[Part], names: Sequence[str] | None) -> Iterator[Part]:
    """What was asked for, and every coordinate whose dimensions are all among those of that."""
    known = {part.name for part in parts}
    for name in names or ():
        if name not in known:
            raise KeyError(f"no variable {name!r}: this dataset has {', '.join(sorted(known))}")
    wanted = known if names is None else set(names)
    dims = {dim for part in parts if part.name in wanted for dim in part.dims}
    for part in parts:
        if part.name in wanted or (part.is_coordinate and dims.issuperset(part.dims)):
            yield part


def _fetching(client: DatasetClient, parts: Sequence[Part], *, together: bool) -> Plan[Arrays]:
    groups = list(_groups(parts)) if together and ARROW_FILE in client.formats else []
    grouped = {part.name for group in groups for part in group}
    single = [part for part in parts if part.name not in grouped]
    plans = [*(_fetching_table(client, group) for group in groups), *map(_fetching_array, single)]
    return {name: array for arrays in (yield from at_once(plans)) for name, array in arrays.items()}


def _groups(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Variables that make up a table: those of one dimension each, and numbers, which repeat in every row of one."""
    numbers: list[Part] = []
    by_dim: dict[str, list[Part]] = {}
    for part in parts:
        if part.array.dtype.kind in _TABULAR and part.array.ndim < 2 and 0 < part.array.size < LONG:
            group = by_dim.setdefault(part.dims[0], []) if part.dims else numbers
            group.append(part)
    for group in by_dim.values():
        if len(group) + len(numbers) > 1:
            yield [*group, *numbers]
            numbers = []


def _fetching_array(part: Part) -> Plan[Arrays]:
    return {part.name: (yield from part.array.reading(...))}


def _fetching_table(client: DatasetClient, group: Sequence[Part]) -> Plan[Arrays]:
    body = yield from client.fetching_table([part.name for part in group])
    frame = decode_arrow_file(body).to_pandas().reset_index()
    arrays: Arrays = {}
    for part in group:
        if part.name not in frame or len(frame) != group[0].array.size:
            raise UnexpectedAnswer(f"the table that the server made of this dataset has not all of {part.name!r}")
        values = frame[part.name].to_numpy()
        arrays[part.name] = np.asarray(values if part.dims else values[0], part.array.dtype).reshape(part.array.shape)
    return arrays
