"""Complete orders, and tokens for positions in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct

from tiledkernel.errors import Unprocessable
from tiledkernel.nodes.sorting import SortKey

MAX_ID = 2**63 - 1
Last: TypeAlias = int | str  # id or key of a node


class Position(Struct, frozen=True, array_like=True):
    """Where a node stands: its value for each sort key (None: it has none), and its place or key."""

    values: tuple[bytes | None, ...]
    last: Last

    def token(self) -> bytes:
        """The position as it is given away."""
        return msgspec.msgpack.encode(self)


class Order(Struct, frozen=True):
    """A complete order: places in the metadata, then what no two nodes share."""

    keys: tuple[SortKey, ...]
    last: SortKey

    @classmethod
    def of(cls, keys: Sequence[SortKey]) -> Order:
        """The order that sort keys describe; what is still equal is in the order of insertion."""
        for position, key in enumerate(keys):
            if key.by != "metadata":
                return cls(tuple(keys[:position]), key)
        return cls(tuple(keys), SortKey("place"))

    @property
    def is_natural(self) -> bool:
        """Whether this is the order of insertion, or its reverse."""
        return not self.keys and self.last.by == "place"

    def inner(self) -> Order:
        """The order among nodes that the first key does not tell apart."""
        return Order(self.keys[1:], self.last)

    def parse(self, token: bytes) -> Position:
        """The position that a token names; Unprocessable if it belongs to another order."""
        try:
            position = msgspec.msgpack.decode(token, type=Position)
        except msgspec.MsgspecError:
            position = None
        by_key = self.last.by == "key"
        if position is None or len(position.values) != len(self.keys) or not _is_last(position.last, by_key=by_key):
            raise Unprocessable(
                "this cursor belongs to no page in this order: take it from the page before, and keep the order",
                "query", "page[cursor]",
            )  # fmt: skip
        return position


def _is_last(last: Last, *, by_key: bool) -> bool:
    """Whether a database can compare this with ids, or with keys."""
    if isinstance(last, str):
        return by_key and "\0" not in last
    return not by_key and 0 <= last <= MAX_ID
