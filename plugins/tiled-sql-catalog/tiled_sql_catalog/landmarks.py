"""Where pages began before: a page far down a long listing is reached from the nearest one, not from the top.

An offset counts children, and a database has to pass all that it counts. What was counted stays true as long as the
children are the same, which their number and the largest id tell: ids are never used again, and one that is new is
larger than all before, so that a set with the same number and maximum has neither gained nor lost any. This takes a
database whose writers follow each other; where they number children at the same time, nothing is remembered.
"""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections import OrderedDict
from typing import TypeAlias

from msgspec import Struct, field
from sqlalchemy import bindparam, func, select

from tiled_sql_catalog.database import Database
from tiled_sql_catalog.schema import nodes
from tiled_sql_catalog.statements import Statement

WORTHWHILE = 500  # children that are passed in less time than it takes to ask whether they are the same
_CONTAINERS, _PLACES = 256, 2048  # which are remembered

State: TypeAlias = tuple[int, int | None]  # number of children, and the largest id
Place: TypeAlias = tuple[int, int]  # children passed, and the id of the last of them
START: Place = (0, 0)


class _Known(Struct):
    state: State
    places: list[Place] = field(default_factory=list)


class Landmarks:
    """Places in listings of containers, as long as their children stay the same."""

    def __init__(self, database: Database) -> None:
        self._usable = database.dialect.one_writer
        children = nodes.alias("children")
        largest = select(func.max(children.c.id)).where(children.c.parent == nodes.c.id).scalar_subquery()
        state = select(nodes.c.children, largest).where(nodes.c.id == bindparam("parent"))
        self._state = Statement(database, state, "parent")
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def state(self, parent: int, offset: int) -> State | None:
        """What its places depend on; None if nothing is remembered, or it is not worth the question."""
        if not self._usable or offset < WORTHWHILE:
            return None
        found = self._state.first(parent)
        return None if found is None else (found[0], found[1])

    def nearest(self, parent: int, state: State, offset: int) -> Place:
        """The last known place that is not beyond an offset."""
        with self._lock:
            places = self._places(parent, state)
            index = bisect_right(places, (offset, 2**63))
            return places[index - 1] if index else START

    def remember(self, parent: int, state: State, place: Place) -> None:
        """Note a place that was reached while the children were in this state."""
        with self._lock:
            places = self._places(parent, state)
            if place not in places[(at := bisect_right(places, (place[0] - 1, 2**63))) : at + 1]:
                insort(places, place)
            if len(places) > _PLACES:
                del places[::2]

    def _places(self, parent: int, state: State) -> list[Place]:
        known = self._known.get(parent)
        if known is None or known.state != state:
            known = self._known[parent] = _Known(state)
        self._known.move_to_end(parent)
        while len(self._known) > _CONTAINERS:
            self._known.popitem(last=False)
        return known.places
