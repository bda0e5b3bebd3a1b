"""A composite as a dataset of xarray: arrays and columns become variables that may share their first dimension."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray
from msgspec import Struct

from tiledkernel.client.plans import Plan, together

if TYPE_CHECKING:
    from tiledkernel.families.container.client_composite import CompositeClient, Member

FIRST = "dim0"
FAMILIES = ("array", "table", "sparse", "awkward", "ragged")  # that have a place in a dataset

Values: TypeAlias = dict[str, Any]  # arrays of numpy, or of dask


class Part(Struct, frozen=True):
    """What is read at once: an array, or columns of one table."""

    item: Mapping[str, Any]
    members: Sequence[Member]

    @property
    def family(self) -> str:
        """The kind of structure."""
        family: str = self.item["attributes"]["structure_family"]
        return family


def reading(client: CompositeClient, names: Sequence[str] | None, dim0: str | None) -> Plan[xarray.Dataset]:
    """The arrays and columns of these names (None: all) as variables."""
    members = _chosen((yield from client.describing_members()), names)
    values: Values = {}
    for found in (yield from together(_reading_part(client, part) for part in _parts(members))):
        values.update(found)
    dims = {member.key: _own_dims(member) for member in members}
    named = _name_dims({name: values[name].shape for name in dims}, dims, dim0)
    return xarray.Dataset(
        {member.key: (named[member.key], values[member.key], _attrs_of(member)) for member in members},
        attrs=_attrs(client.item),
    )


def _chosen(members: Sequence[Member], names: Sequence[str] | None) -> list[Member]:
    if names is None:
        return [member for member in members if member.item["attributes"]["structure_family"] != "bytes"]
    known = {member.key: member for member in members}
    for name in names:
        if name not in known:
            raise KeyError(f"no array or column {name!r}: this composite has {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)]


def _parts(members: Iterable[Member]) -> list[Part]:
    """The columns of one table together, all others one by one."""
    groups: dict[str, list[Member]] = {}
    for member in members:
        groups.setdefault(member.item["id"], []).append(member)
    parts = [Part(group[0].item, group) for group in groups.values()]
    for part in parts:
        if part.family not in FAMILIES:
            raise ValueError(
                f"{part.item['id']!r} has no place in a dataset, for it is of the family {part.family!r}: "
                "name the variables to read"
            )
    return parts


def _reading_part(client: CompositeClient, part: Part) -> Plan[Values]:
    if client.structure_clients == "dask" and part.family in ("array", "table"):
        return (yield from _reading_lazily(client, part))
    whole = client.client_of(part.item)
    if part.family == "table":
        frame = yield from whole.reading([member.column for member in part.members])
        return {member.key: _as_array(frame[member.column]) for member in part.members}
    (member,) = part.members
    if part.family == "array":
        return {member.key: (yield from whole.reading(...))}
    return {member.key: _dense((yield from _reading_as_is(whole)), member.key)}


def _reading_lazily(client: CompositeClient, part: Part) -> Plan[Values]:
    items = yield from together(map(client.describing, part.members))
    return {member.key: client.client_of(item).read() for member, item in zip(part.members, items, strict=True)}


class _Reciting:
    """Stands in for a connection, and gives plans back instead of running them."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def run(self, plan: Plan[Any]) -> Plan[Any]:
        return plan


def _reading_as_is(client: Any) -> Plan[Any]:
    """What `client.read()` does, for another plan; of a family that only a plugin knows."""
    plan: Plan[Any] = type(client)(context=_Reciting(client.context), item=client.item).read()
    return (yield from plan)


def _as_array(column: Any) -> Any:
    """The elements of a column; texts with a fixed width, as arrays have them, if none is missing."""
    values = column.to_numpy()
    if values.dtype == object and all(isinstance(value, str) for value in values):
        return values.astype(np.str_)
    return values


def _dense(values: Any, name: str) -> Any:
    """An array with a place for everything, whatever of lists and gaps it is made of."""
    if hasattr(values, "todense"):
        return values.todense()
    nested = values.tolist()
    regular = _as_numbers(nested)
    if regular is not None:
        return regular
    is_complex = getattr(getattr(values, "dtype", None), "kind", "f") == "c"
    array = np.full(_outer_shape(nested), np.nan, np.complex128 if is_complex else np.float64)
    try:
        _fill(array, nested)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name!r} is made of other things than numbers, and has no place in a dataset: name the variables to read"
        ) from None
    warnings.warn(f"{name!r} has lists of different lengths, or gaps: they are filled with NaN", stacklevel=2)
    return array


def _as_numbers(nested: Any) -> Any:
    """Lists of lists of numbers as an array; None if they do not make up one."""
    try:
        array = np.asarray(nested)
    except ValueError:
        return None
    return array if array.dtype.kind in "biufc" else None


def _outer_shape(nested: Any) -> tuple[int, ...]:
    if not isinstance(nested, list):
        return ()
    inner = list(map(_outer_shape, nested))
    depth = max(map(len, inner), default=0)
    longest = (max((shape[axis] for shape in inner if len(shape) > axis), default=0) for axis in range(depth))
    return len(nested), *longest


def _fill(target: Any, nested: Any) -> None:
    for position, element in enumerate(nested):
        if isinstance(element, list):
            _fill(target[position], element)
        elif element is not None:
            target[position] = element


def _own_dims(member: Member) -> tuple[str, ...] | None:
    structure = member.item["attributes"]["structure"]
    dims = None if member.column is not None else structure.get("dims")
    return None if dims is None else tuple(dims)


def _name_dims(
    shapes: Mapping[str, tuple[int, ...]], own: Mapping[str, tuple[str, ...] | None], first: str | None
) -> dict[str, tuple[str, ...]]:
    """The dimensions of each variable; those whose axes have no names share the first one if they agree on it."""
    unnamed = {name: shape for name, shape in shapes.items() if own[name] is None and shape}
    agree = len({shape[0] for shape in unnamed.values()}) < 2
    if first is not None and not agree:
        lengths = ", ".join(f"{name}: {shape[0]}" for name, shape in unnamed.items())
        raise ValueError(f"dim0={first!r} cannot be shared, for the first axes differ in length ({lengths})")
    shared = first or FIRST
    return {
        name: own[name] or tuple(shared if agree and not axis else f"{name}_dim{axis}" for axis in range(len(shape)))
        for name, shape in shapes.items()
    }


def _attrs_of(member: Member) -> dict[str, Any]:
    return _attrs(member.item) if member.column is None else {}


def _attrs(item: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that a dataset, or a variable of one, has in its metadata."""
    attrs = (item["attributes"].get("metadata") or {}).get("attrs")
    return dict(attrs) if isinstance(attrs, Mapping) else {}
