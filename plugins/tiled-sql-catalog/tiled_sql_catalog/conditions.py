"""What a node must be to be found, as clauses over the index.

A clause is made for a node's id and its parent's, wherever these come from: the table of nodes, or the index itself.
"""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, exists, false, literal, select, true

from tiled_sql_catalog.schema import entries, nodes
from tiled_sql_catalog.scopes import Holding, Place, Scope


class Condition(Struct, frozen=True):
    """Base of the conditions.

    One that is `swift` is told of each node by one look into the index.
    """

    swift: ClassVar[bool] = False

    def clause(self, scope: Holding, place: Place) -> ColumnElement[bool]:
        """Whether the node at `place` meets the condition."""
        raise NotImplementedError


class Has(Condition, frozen=True):
    """There is an entry with exactly this key, which one look into the index tells."""

    swift: ClassVar[bool] = True

    address: int
    value: bytes

    def clause(self, scope: Holding, place: Place) -> ColumnElement[bool]:
        """As a look-up for this very node."""
        del scope
        found = entries.alias()
        return exists().where(
            found.c.parent == place.parent,
            found.c.address == self.address,
            found.c.value == self.value,
            found.c.node == place.node,
        )


class HasOneOf(Condition, frozen=True):
    """There is an entry with one of these keys at one address, which a look into the index for each node tells."""

    swift: ClassVar[bool] = True

    address: int
    values: tuple[bytes, ...]

    def clause(self, scope: Holding, place: Place) -> ColumnElement[bool]:
        """As a look-up for this very node."""
        del scope
        found = entries.alias()
        return exists().where(
            found.c.parent == place.parent,
            found.c.address == self.address,
            found.c.value.in_([literal(value) for value in self.values]),  # each by itself, so that it can be prepared
            found.c.node == place.node,
        )


class HasAny(Condition, frozen=True):
    """There is an entry with one of these keys."""

    pairs: tuple[tuple[int, bytes], ...]

    def clause(self, scope: Holding, place: Place) -> ColumnElement[bool]:
        """As membership among the nodes with such entries."""
        by_address: dict[int, list[bytes]] = {}
        for address, value in self.pairs:
            by_address.setdefault(address, []).append(value)
        found: ColumnElement[bool] = false()
        for address, values in by_address.items():
            found |= place.node.in_(_with(scope, address).where(entries.c.value.in_(values)))
        return found


class Within(Condition, frozen=True):
    """There is an entry with a key from `low` (with it, or after it) to `high` (with it, or before it)."""

    address: int
    low: bytes = b""
    high: bytes | None = None
    after_low: bool = False
    with_high: bool = False

    def clause(self, scope: Holding, place: Place) -> ColumnElement[bool]:
        """As membership in a range of the index."""
        found = _with(scope, self.address)
        if self.low:
            found = found.where(entries.c.value > self.low if self.after_low else entries.c.value >= self.low)
        if self.high is not None:
            found = found.where(entries.c.value <= self.high if self.with_high else entries.c.value < self.high)
        return place.node.in_(found)


class Not(Condition, frozen=True):
    """Another condition is not met."""

    condition: Condition

    def clause(self, scope: Holding, place: Place) -> ColumnElement[bool]:
        """The opposite."""
        return ~self.condition.clause(scope, place)


class Keyed(Condition, frozen=True):
    """The node's own key is one of these."""

    keys: frozenset[str]

    def clause(self, scope: Holding, place: Place) -> ColumnElement[bool]:
        """As membership among the nodes with these keys."""
        if not self.keys:
            return false()
        found = nodes.alias()
        return place.node.in_(select(found.c.id).where(scope.holds(found.c.parent), found.c.key.in_(self.keys)))


class Anything(Condition, frozen=True):
    """Every node."""

    swift: ClassVar[bool] = True

    def clause(self, scope: Holding, place: Place) -> ColumnElement[bool]:
        """No restriction."""
        del scope, place
        return true()


class Nothing(Condition, frozen=True):
    """No node."""

    swift: ClassVar[bool] = True

    def clause(self, scope: Holding, place: Place) -> ColumnElement[bool]:
        """Never."""
        del scope, place
        return false()


def _with(scope: Holding, address: int) -> Select[Any]:
    return select(entries.c.node).where(scope.holds(entries.c.parent), entries.c.address == address)


class Selection(Struct, frozen=True):
    """The nodes in a scope that meet all conditions."""

    scope: Scope
    conditions: tuple[Condition, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether all children of one container are meant."""
        return self.scope.is_flat and not self.is_restricted

    @property
    def is_restricted(self) -> bool:
        """Whether there is something that nodes have to meet."""
        return bool(self.conditions or self.scope.visible)

    def also(self, *conditions: Condition) -> Selection:
        """A narrower selection."""
        return Selection(self.scope, (*self.conditions, *conditions))

    def clauses(self, place: Place, besides: Condition | None = None) -> list[ColumnElement[bool]]:
        """All conditions but one, and the scope."""
        conditions = (*self.scope.visible, *self.conditions)
        met = [each.clause(self.scope, place) for each in conditions if each is not besides]
        return [self.scope.holds(place.parent), *met]

    @property
    def drivers(self) -> list[Has]:
        """The conditions whose entries, in their order, are candidates in the order of insertion."""
        if any(isinstance(each, Keyed) for each in self.conditions):
            return []  # few nodes have one of some keys: they had better be looked at
        return [each for each in (*self.scope.visible, *self.conditions) if isinstance(each, Has)]
