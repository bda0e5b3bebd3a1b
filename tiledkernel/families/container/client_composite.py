"""The client of a composite: a container whose tables are opened, so that each column stands beside the arrays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from msgspec import Struct

from tiledkernel import references
from tiledkernel.client.calls import call_node
from tiledkernel.client.connection import CannotWait
from tiledkernel.client.errors import ClientError
from tiledkernel.client.plans import Plan, ask_message, at_hand, together
from tiledkernel.client.sorting import Direction
from tiledkernel.client.uris import join_path
from tiledkernel.client.views import ItemsView, KeysView, ValuesView, View
from tiledkernel.families.container.client import Container

if TYPE_CHECKING:
    import xarray

T = TypeVar("T")

_MEMBERS_LIVE = 1.0  # seconds


class Member(Struct, frozen=True):
    """What a key of a composite names: an array, or another child that is no table; or a column of a table."""

    key: str
    item: Mapping[str, Any]  # the server's description of the child
    column: str | None = None


class CompositeClient(Container):
    """Arrays, and columns of tables, side by side under names of their own.

    >>> composite["energy"]
    >>> composite.read()
    >>> composite.base["table"]
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._members: tuple[float, list[Member]] | None = None

    @property
    def base(self) -> Container:
        """The same as a plain container, where tables are children as a whole."""
        return Container(
            self.context,
            item=self._item,
            queries=self._queries,
            sorting=self._chosen_sorting,
            structure_clients=self.structure_clients,
            include_data_sources=self._include_data_sources,
        )

    def descriptions(self) -> View[Mapping[str, Any]]:
        """The server's descriptions of the children, tables as a whole."""
        return self.base.descriptions()

    def get_contents(self, maxlen: int | None = None, *, include_metadata: bool = False) -> dict[str, Any]:
        """The server's descriptions of the first `maxlen` children by their keys, tables as a whole."""
        return self._run(self._getting_contents(maxlen, include_metadata=include_metadata))

    def _getting_contents(self, maxlen: int | None, *, include_metadata: bool) -> Plan[dict[str, Any]]:
        items = (yield from self.descriptions().taking())[:maxlen]
        return {item["id"]: item if include_metadata else _without_metadata(item) for item in items}

    def refresh(self) -> Self:
        """Ask the server for the current description; this same client then shows it."""
        self._members = None
        return super().refresh()

    # What there is

    def describing_members(self) -> Plan[list[Member]]:
        """Everything that has a key here, in the server's order."""
        now = time.monotonic()
        if self._members is None or now - self._members[0] > _MEMBERS_LIVE:
            items = yield from self.descriptions().taking()
            self._members = now, [member for item in items for member in _members_of(item)]
        return self._members[1]

    def describing(self, member: Member) -> Plan[Mapping[str, Any]]:
        """The server's description of the array that a member is; that of a column must be asked for."""
        if member.column is None:
            return member.item
        call = call_node(join_path(member.item["links"]["self"], (member.column,)))
        try:
            item: Mapping[str, Any] = (yield from ask_message(call))["data"]
        except ClientError as error:
            raise self._lookup_error(error, (member.key,)) from error
        return item

    def client_of(self, item: Mapping[str, Any]) -> Any:
        """The client of a child or column that the server has described."""
        return self._client_of(item)

    def _finding(self, segments: tuple[str, ...]) -> Plan[Mapping[str, Any]]:
        members = yield from self.describing_members()
        for member in members:
            if (member.key,) == segments:
                return (yield from self.describing(member))
        if any(member.item["id"] == segments[0] for member in members):
            raise KeyError(
                f"{'/'.join(segments)}: the keys of a composite are arrays, and columns of tables, without what holds "
                f"or is below them; those are found in .base[{segments[0]!r}]"
            )
        raise KeyError(segments if len(segments) > 1 else segments[0])

    def _counting(self) -> Plan[int]:
        return len((yield from self.describing_members()))

    def _first_keys(self) -> Plan[tuple[list[str], int]]:
        keys = _names((yield from self.describing_members()))
        return keys, len(keys)

    # Listing

    def keys(self) -> KeysView:  # type: ignore[override]  # a view that can be sliced
        """The names of arrays and columns, as a view that can be sliced."""
        return KeysView(self, partial(self._member_pages, _naming), self._counting)

    def values(self) -> ValuesView:  # type: ignore[override]  # a view that can be sliced
        """Arrays and columns, as a view that can be sliced."""
        return ValuesView(self, partial(self._member_pages, self._making_clients), self._counting)

    def items(self) -> ItemsView:  # type: ignore[override]  # a view that can be sliced
        """Pairs of name and array or column, as a view that can be sliced."""
        return ItemsView(self, partial(self._member_pages, self._making_pairs), self._counting)

    def _member_pages(
        self,
        making: Callable[[Sequence[Member]], Plan[Sequence[T]]],
        start: int,
        count: int | None,
        direction: Direction,
        page_size: int | None,
    ) -> Iterator[Plan[Sequence[T]]]:
        """A single page: where a table ends is only known when it has been described."""
        del page_size
        selected = slice(start, None if count is None else start + count)
        yield self._making(making, selected, direction)

    def _making(
        self, making: Callable[[Sequence[Member]], Plan[Sequence[T]]], selected: slice, direction: Direction
    ) -> Plan[Sequence[T]]:
        members = (yield from self.describing_members())[::direction]
        return (yield from making(members[selected]))

    def _making_clients(self, members: Sequence[Member]) -> Plan[Sequence[Any]]:
        return (yield from together(map(self._making_client, members)))

    def _making_client(self, member: Member) -> Plan[Any]:
        return self._listed_client((yield from self.describing(member)))

    def _making_pairs(self, members: Sequence[Member]) -> Plan[Sequence[tuple[str, Any]]]:
        clients = yield from self._making_clients(members)
        return list(zip(_names(members), clients, strict=True))

    # Making

    def admitting(self, draft: Mapping[str, Any]) -> Plan[None]:
        """Go on if nothing here has the name of a new child, or of one of its columns."""
        self._members = None  # others may have made something, and so shall we
        members = yield from self.describing_members()
        parts = {member.item["id"]: member.item["id"] for member in members if member.item["id"] == draft["id"]}
        taken = parts | {member.key: member.item["id"] for member in members}
        for name in (*parts, *(member.key for member in _members_of(draft))):
            if name in taken:
                raise ValueError(
                    f"{name!r} is taken, by {taken[name]!r}: arrays and the columns of tables stand side by side in a "
                    "composite; choose another name"
                )
        self._members = None

    # Reading

    def read(self, variables: str | Sequence[str] | None = None, dim0: str | None = None) -> xarray.Dataset:
        """Arrays and columns as the variables of one dataset.

        Parameters
        ----------
        variables
            Names of arrays and columns; all if left out.
        dim0
            A name for the first dimension, which all variables share if it is equally long in all of them; "dim0" if
            left out. If it is not, each variable has its own.

        Examples
        --------
        >>> composite.read(["energy", "intensity"], dim0="point").mean("point")
        """
        names = [variables] if isinstance(variables, str) else None if variables is None else list(variables)
        return self._run(_load_reading()(self, names, dim0))

    def create_container(self, *arguments: Any, **settings: Any) -> NoReturn:
        """Refused: a composite is flat."""
        del arguments, settings
        raise NotImplementedError("a composite holds arrays and tables, no containers: create one beside it")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython calls it so
        del cycle
        try:
            names = self._run_now(self._first_keys(), "await composite.keys()[:]")[0]
        except CannotWait:
            printer.text(repr(self))
        else:
            printer.text(f"<{type(self).__name__} {names}>")


def _members_of(item: Mapping[str, Any]) -> list[Member]:
    """A child, or its columns if it is a table."""
    if item["attributes"]["structure_family"] != "table":
        return [Member(item["id"], item)]
    return [Member(column, item, column) for column in item["attributes"]["structure"]["columns"]]


def _names(members: Sequence[Member]) -> list[str]:
    return [member.key for member in members]


def _naming(members: Sequence[Member]) -> Plan[Sequence[str]]:
    return at_hand(_names(members))


def _without_metadata(item: Mapping[str, Any]) -> dict[str, Any]:
    return {**item, "attributes": {**item["attributes"], "metadata": None}}


def _load_reading() -> Callable[..., Plan[xarray.Dataset]]:
    if not references.installed("xarray"):
        raise ImportError(
            "a composite is read as a dataset of xarray, which is not installed: `pip install xarray`; without it, "
            "each array and column can be read by itself"
        )
    loaded: Callable[..., Plan[xarray.Dataset]] = references.load(
        "tiledkernel.families.container.client_composite_dataset:reading"
    )
    return loaded
