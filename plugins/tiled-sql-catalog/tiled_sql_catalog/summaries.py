"""Which values the nodes of a selection have, and how often, in the form of `tiledkernel.nodes.distinct`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, func, literal, null, select

from tiled_sql_catalog.conditions import Selection
from tiled_sql_catalog.entries import FAMILY, SPECS, VALUE, WHOLE, address
from tiled_sql_catalog.orders import Order
from tiled_sql_catalog.pages import Listing
from tiled_sql_catalog.records import Node
from tiled_sql_catalog.schema import entries, nodes
from tiled_sql_catalog.scopes import Place
from tiled_sql_catalog.sortable import AFTER_TEXT, BOOLEAN, LIST, NULL, TEXT, is_exact, text_of
from tiledkernel import wire
from tiledkernel.nodes import values
from tiledkernel.nodes.distinct import distinct as tally

MAX_VALUES = 100_000  # that are listed for one key
_BATCH = 1000
_FEW = 1000  # values that are sooner jumped to than come across
_SMALL = 2000  # nodes that are sooner looked at than found in the index
_PLACE = Place(entries.c.node, entries.c.parent)

Report: TypeAlias = list[dict[str, Any]]


class _Group(Struct, frozen=True):
    """Nodes with one value: its key, how many there are, and the first of them."""

    key: bytes
    count: int | None
    first: int


def distinct(  # noqa: PLR0913 - the parts of a summary, as everywhere
    connection: Connection,
    selection: Selection,
    metadata: Sequence[str] = (),
    *,
    structure_families: bool = False,
    specs: bool = False,
    counts: bool = False,
) -> dict[str, Any]:
    """The different values of the selected nodes; what is not asked for is None, and so is each count."""
    if selection.is_restricted and (found := _few_nodes(connection, selection)) is not None:
        return tally(found, metadata, structure_families=structure_families, specs=specs, counts=counts)

    def texts(aspect: str, column: str, decode: Callable[[str], Any]) -> Report:
        groups = _groups(connection, selection, address(aspect), counts=counts)
        return _report(connection, groups, column, decode, text=decode)

    return {
        "metadata": {key: _of_key(connection, selection, key, counts=counts) for key in metadata} or None,
        "structure_families": texts(FAMILY, "family", str) if structure_families else None,
        "specs": texts(SPECS, "specs", wire.decode_json) if specs else None,
    }


def _few_nodes(connection: Connection, selection: Selection) -> list[tuple[str, Node]] | None:
    """The selected nodes with their keys, unless there are too many to look at."""
    page = Listing(connection).page(selection, Order.of(()), limit=_SMALL)
    return None if page.following else [(node.key, node) for node in page.nodes]


def _of_key(connection: Connection, selection: Selection, key: str, *, counts: bool) -> Report:
    simple = _groups(connection, selection, address(VALUE, key), entries.c.value < LIST, counts=counts)
    nested = _groups(connection, selection, address(WHOLE, key), counts=counts)
    groups = sorted(simple + nested, key=lambda group: group.first)
    return _report(connection, groups, "metadata", lambda text: values.look_up(wire.decode_json(text), key))


def _groups(
    connection: Connection, selection: Selection, place: int, *also: ColumnElement[bool], counts: bool
) -> list[_Group]:
    """The nodes by their values, in the order in which the values first appear."""
    rows: Sequence[Any] | None = None
    if selection.is_plain:
        rows = connection.execute(_skipping(selection.scope.root, place, *also, counts=counts)).all()
    if rows is None or len(rows) > _FEW:
        value, node = entries.c.value, entries.c.node
        statement = select(value, func.count() if counts else null(), func.min(node))
        statement = statement.where(*selection.clauses(_PLACE), entries.c.address == place, *also).group_by(value)
        rows = connection.execute(statement.limit(MAX_VALUES)).all()
    return sorted((_Group(bytes(key), count, first) for key, count, first in rows), key=lambda group: group.first)


def _skipping(root: int, place: int, *also: ColumnElement[bool], counts: bool) -> Select[Any]:
    """Jumps from one value to the next in the index, rather than going over all entries; a few values and one more."""
    value, here = entries.c.value, (entries.c.parent == root) & (entries.c.address == place)
    begin = select(value).where(here, *also).order_by(value).limit(1)
    walk = select(begin.scalar_subquery().label("value"), literal(0).label("step")).cte("walk", recursive=True)
    following = select(value).where(here, *also, value > walk.c.value).order_by(value).limit(1)
    walk = walk.union_all(
        select(following.correlate(walk).scalar_subquery(), walk.c.step + 1).where(
            walk.c.value.is_not(None), walk.c.step < _FEW
        )
    )
    equal = here & (value == walk.c.value)
    first = select(entries.c.node).where(equal).order_by(entries.c.node).limit(1).correlate(walk).scalar_subquery()
    count = select(func.count()).select_from(entries).where(equal).correlate(walk).scalar_subquery()
    return select(walk.c.value, count if counts else null(), first).where(walk.c.value.is_not(None))


def _report(
    connection: Connection,
    groups: Sequence[_Group],
    column: str,
    read: Callable[[str], Any],
    text: Callable[[str], Any] = str,
) -> Report:
    """One line for each group; values that their keys do not tell are read from the first node that has them."""
    known = {group.key: text(text_of(group.key)) for group in groups if _is_text(group.key)}
    known.update({NULL: None, BOOLEAN + b"\0": False, BOOLEAN + b"\1": True})
    asked = {group.first: group.key for group in groups if group.key not in known}
    ids = list(asked)
    for start in range(0, len(ids), _BATCH):
        statement = select(nodes.c.id, nodes.c[column]).where(nodes.c.id.in_(ids[start : start + _BATCH]))
        known.update({asked[node]: read(content) for node, content in connection.execute(statement)})
    return [{"value": known[group.key], "count": group.count} for group in groups if group.key in known]


def _is_text(key: bytes) -> bool:
    return TEXT <= key < AFTER_TEXT and is_exact(key)
