"""Pages of a listing, one after the other by where the last one ended.

A token says what the last node was sorted by, so that the next page goes on right after it, whatever came, went or
changed in between. Every order is taken apart until one remains that an index has: the values of the first sort key
one after the other, each with its nodes in the order of the other keys, then the nodes without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, starmap
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, BindParameter, Connection, Select, bindparam, func, select

from tiled_sql_catalog.conditions import Condition, Has, Not, Selection, Within
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.entries import VALUE, address
from tiled_sql_catalog.landmarks import Landmarks
from tiled_sql_catalog.orders import MAX_ID, Last, Order, Position
from tiled_sql_catalog.records import COLUMNS, Node
from tiled_sql_catalog.schema import entries, nodes
from tiled_sql_catalog.scopes import Place, Siblings
from tiled_sql_catalog.sortable import BOOLEAN
from tiled_sql_catalog.statements import Statement
from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.nodes.sorting import SortKey

MAX_LIMIT = 10_000
_MATTERS = 1000  # entries beyond which all conditions count as equally large
MAX_OFFSET = 2**30

_NODES = Place(nodes.c.id, nodes.c.parent)
_ENTRIES = Place(entries.c.node, entries.c.parent)


class Page(Struct, frozen=True):
    """Nodes in order, and the token of what follows them; None if nothing does."""

    nodes: list[Node]
    following: bytes | None


class PlainListing:
    """All visible children of a container in the order of insertion, or its reverse: what is asked most."""

    def __init__(self, database: Database, visible: Sequence[Condition] = ()) -> None:
        after: BindParameter[int] = bindparam("after", type_=BigInteger)
        met = [condition.clause(Siblings(nodes.c.parent), _NODES) for condition in visible]
        children = select(nodes.c.id).where(nodes.c.parent == bindparam("parent"), *met)
        size, offset = bindparam("size", type_=BigInteger), bindparam("offset", type_=BigInteger)
        statements = []
        for ids, place in (
            (children.where(nodes.c.id > after), nodes.c.id),
            (children.where(nodes.c.id < after), nodes.c.id.desc()),
        ):
            # The index alone knows what is passed over; only the rows of the page are read.
            found = ids.order_by(place).limit(size).offset(offset).subquery("found")
            page = select(*COLUMNS).join(found, found.c.id == nodes.c.id).order_by(place)
            statements.append(Statement(database, page, "parent", "after", "size", "offset"))
        self._forwards, self._backwards = statements
        self._landmarks = None if visible else Landmarks(database)  # which know nothing of what becomes visible

    def page(self, parent: int, order: Order, after: bytes | None, limit: int, offset: int = 0) -> Page:
        """At most `limit` children after those that a token stands for, or after the first `offset`."""
        check_limit(limit)
        statement, start = (self._backwards, MAX_ID) if order.last.descending else (self._forwards, 0)
        last = start if after is None else order.parse(after).last
        offset, state = min(offset, MAX_OFFSET), None
        passed, landmarks = 0, self._landmarks
        if landmarks is not None and last == 0 and (state := landmarks.state(parent, offset)) is not None:
            passed, last = landmarks.nearest(parent, state, offset)
        rows = list(starmap(Node, statement.all(parent, last, limit + 1, offset - passed)))
        if landmarks is not None and state is not None and rows:
            landmarks.remember(parent, state, (offset + 1, rows[0].id))
        if len(rows) <= limit:
            return Page(rows, None)
        return Page(rows[:limit], Position((), rows[limit - 1].id).token())


def check_limit(limit: int) -> None:
    """Unprocessable unless a page may be so long."""
    if not 0 <= limit <= MAX_LIMIT:
        raise Unprocessable(f"page[limit]={limit} is out of range: expected 0 to {MAX_LIMIT}")


class Found(Struct, frozen=True):
    """A node's id, and where it stands."""

    id: int
    position: Position


class Listing:
    """Finds nodes of a selection in order; statements go to one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sizes: dict[Has, int] = {}

    def page(
        self, selection: Selection, order: Order, after: bytes | None = None, limit: int = 100, offset: int = 0
    ) -> Page:
        """`limit` nodes after those that a token stands for, or after the first `offset`."""
        check_limit(limit)
        if not selection.scope.is_flat and (order.keys or order.last.by == "key"):
            raise BadRequest("a deep search has one order, that of the tree: leave out 'sort'")
        position = None if after is None else order.parse(after)
        offset = min(offset, MAX_OFFSET)  # beyond which there is nothing anyway
        if not limit:
            return Page([], None)
        if not order.keys:
            return self._page_of_rows(selection, order, position, limit, offset)
        found = list(self._sorted(selection, order, position, offset + limit + 1))[offset:]
        shown, more = found[:limit], found[limit:]
        token = shown[-1].position.token() if more else None
        return Page(self._rows([each.id for each in shown]), token)

    def _page_of_rows(
        self, selection: Selection, order: Order, position: Position | None, limit: int, offset: int
    ) -> Page:
        """A page in an order that an index has, in one statement."""
        statement = self._in_last_order(selection, order.last, position).offset(offset or None).limit(limit + 1)
        inner = statement.subquery("found")
        ordered = select(*COLUMNS).join(inner, inner.c[0] == nodes.c.id)
        ordered = ordered.order_by(_by_last(order.last))
        rows = [Node(*row) for row in self._connection.execute(ordered)]
        shown = rows[:limit]
        if len(rows) == len(shown):
            return Page(shown, None)
        last: Last = shown[-1].key if order.last.by == "key" else shown[-1].id
        return Page(shown, Position((), last).token())

    def _sorted(self, selection: Selection, order: Order, position: Position | None, limit: int) -> Iterator[Found]:
        """At most `limit` nodes after a position."""
        if not order.keys:
            yield from self._unsorted(selection, order.last, position, limit)
            return
        key = order.keys[0]
        place = address(VALUE, key.name)
        present = position is None or position.values[0] is not None
        if present:
            for found in self._present(selection, order, position, limit):
                yield found
                limit -= 1
            position = None
        if limit > 0:
            without = selection.also(Not(Within(place, BOOLEAN)))
            inner = None if position is None else Position(position.values[1:], position.last)
            for found in self._sorted(without, order.inner(), inner, limit):
                yield _under(None, found)

    def _present(self, selection: Selection, order: Order, position: Position | None, limit: int) -> Iterator[Found]:
        """Nodes that have the first sort key: those with the value we stopped at, then those with the next ones."""
        value = None if position is None else position.values[0]
        if value is not None and position is not None:
            for found in self._block(selection, order, value, Position(position.values[1:], position.last), limit):
                yield found
                limit -= 1
        while limit > 0:
            pairs = self._along(selection, order.keys[0], value, limit)
            complete = len(pairs) < limit
            blocks = [(key, [node for _, node in members]) for key, members in groupby(pairs, lambda pair: pair[0])]
            for number, (key, members) in enumerate(blocks):
                whole = complete or number + 1 < len(blocks)
                for found in self._members(selection, order, key, members if whole else None, limit):
                    yield found
                    limit -= 1
                value = key
            if complete:
                return

    def _members(
        self, selection: Selection, order: Order, key: bytes, members: list[int] | None, limit: int
    ) -> Iterator[Found]:
        """The nodes with one value of the first sort key; `members` are all of them, if that is known."""
        if members is None or (order.keys[1:] or order.last.by == "key"):
            yield from self._block(selection, order, key, None, limit)
            return
        for node in sorted(members, reverse=order.last.descending):
            yield Found(node, Position((key,), node))

    def _block(
        self, selection: Selection, order: Order, key: bytes, position: Position | None, limit: int
    ) -> Iterator[Found]:
        equal = selection.also(Has(address(VALUE, order.keys[0].name), key))
        for found in self._sorted(equal, order.inner(), position, limit):
            yield _under(key, found)

    def _along(self, selection: Selection, key: SortKey, after: bytes | None, limit: int) -> list[tuple[bytes, int]]:
        """Values of a sort key with their nodes, beyond a value, as the index has them."""
        value = entries.c.value
        statement = select(value, entries.c.node).where(
            *selection.clauses(_ENTRIES), entries.c.address == address(VALUE, key.name)
        )
        if key.descending:
            beyond = [value >= BOOLEAN] if after is None else [value >= BOOLEAN, value < after]
            statement = statement.where(*beyond).order_by(value.desc(), entries.c.node.desc())
        else:  # one bound, since a database may take either for where to begin
            beyond = [value >= BOOLEAN] if after is None else [value > after]
            statement = statement.where(*beyond).order_by(value, entries.c.node)
        return [(bytes(found), node) for found, node in self._connection.execute(statement.limit(limit))]

    def _unsorted(self, selection: Selection, last: SortKey, position: Position | None, limit: int) -> Iterator[Found]:
        statement = self._in_last_order(selection, last, position).limit(limit)
        for row in self._connection.execute(statement):
            yield Found(row[0], Position((), row[-1]))

    def _rows(self, ids: Sequence[int]) -> list[Node]:
        """The nodes with these ids, in their order; without those that were deleted just now."""
        statement = select(*COLUMNS).where(nodes.c.id.in_(ids))
        rows = {row[0]: Node(*row) for row in self._connection.execute(statement)}
        return [rows[id_] for id_ in ids if id_ in rows]

    def count(self, selection: Selection) -> int:
        """How many nodes are selected."""
        if selection.is_plain:
            statement = select(nodes.c.children).where(nodes.c.id == selection.scope.root)
            return int(self._connection.execute(statement).scalar() or 0)
        counted = select(func.count()).select_from(self.candidates(selection).subquery())
        return int(self._connection.execute(counted).scalar_one())

    def candidates(self, selection: Selection) -> Select[Any]:
        """The ids of the selected nodes: from the index if one of its ranges holds all of them, else from the nodes."""
        driver = min(selection.drivers, key=lambda each: self._size(selection, each), default=None)
        if driver is None:
            return select(nodes.c.id).where(*selection.clauses(_NODES))
        return select(entries.c.node).where(
            *selection.clauses(_ENTRIES, besides=driver),
            entries.c.address == driver.address,
            entries.c.value == driver.value,
        )

    def _size(self, selection: Selection, driver: Has) -> int:
        """How many entries a condition has, as far as that matters; 0 if there is nothing to choose."""
        if len(selection.drivers) == 1:
            return 0
        if driver not in self._sizes:
            some = select(entries.c.node).where(
                selection.scope.holds(entries.c.parent),
                entries.c.address == driver.address,
                entries.c.value == driver.value,
            )
            counted = select(func.count()).select_from(some.limit(_MATTERS).subquery())
            self._sizes[driver] = int(self._connection.execute(counted).scalar_one())
        return self._sizes[driver]

    def _in_last_order(self, selection: Selection, last: SortKey, position: Position | None) -> Select[Any]:
        """The ids of the selected nodes by place, or ids and keys by key, after a position."""
        if last.by == "key":
            statement = select(nodes.c.id, nodes.c.key).where(*selection.clauses(_NODES))
            column: Any = nodes.c.key
        else:
            statement = self.candidates(selection)
            column = statement.selected_columns[0]
        if position is not None:
            statement = statement.where(column < position.last if last.descending else column > position.last)
        return statement.order_by(column.desc() if last.descending else column)


def _under(key: bytes | None, found: Found) -> Found:
    return Found(found.id, Position((key, *found.position.values), found.position.last))


def _by_last(last: SortKey) -> Any:
    column = nodes.c.key if last.by == "key" else nodes.c.id
    return column.desc() if last.descending else column
