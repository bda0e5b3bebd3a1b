"""What a query needs once, though its meaning is asked for every child."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Q = TypeVar("Q")
T = TypeVar("T")

MAX_QUERIES = 64


class Prepared(Generic[Q, T]):
    """A function of a query, remembered for the latest queries.

    They are told apart by identity: comparing long lists would cost as much as making them anew.
    """

    def __init__(self, make: Callable[[Q], T]) -> None:
        self._make = make
        self._made: dict[int, tuple[Q, T]] = {}

    def __call__(self, query: Q) -> T:
        """What the function makes of the query."""
        known = self._made.get(id(query))
        if known is not None and known[0] is query:  # the entry keeps its query alive, so an id is never reused
            return known[1]
        made = self._make(query)
        if len(self._made) >= MAX_QUERIES:
            self._made.clear()
        self._made[id(query)] = query, made
        return made
