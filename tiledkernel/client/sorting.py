"""The order of a listing, as the user gives it and as the wire has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

Direction: TypeAlias = Literal[1, -1]
SortKey: TypeAlias = tuple[str, Direction]
Sorting: TypeAlias = tuple[SortKey, ...]

ASCENDING: Final = 1
DESCENDING: Final = -1
_INSERTION = ""  # the order of a catalog
NATURAL = "_"  # the order of a mapping


def checked_sorting(keys: Sequence[tuple[str, int]]) -> Sorting:
    """The sorting that these (key, direction) pairs describe; TypeError or ValueError says what is wrong."""
    sorting: list[SortKey] = []
    for pair in keys:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2 or not isinstance(pair[0], str):
            raise TypeError(f"{pair!r} does not say how to sort: expected (key, direction), such as ('color', 1)")
        key, direction = pair
        if direction not in (ASCENDING, DESCENDING):
            raise ValueError(f"direction {direction!r} of {key!r}: expected 1 (ASCENDING) or -1 (DESCENDING)")
        sorting.append((key, 1 if direction == ASCENDING else -1))
    return tuple(sorting)


def format_sorting(sorting: Sorting, direction: Direction = 1) -> list[tuple[str, str]]:
    """The URL parameters for an order, or for its reverse."""
    if all(key == _INSERTION for key, _ in sorting):
        given = sorting[0][1] if sorting else 1
        return [("sort", "-")] if given * direction < 0 else []
    names = ["-" + key if sign * direction < 0 else key for key, sign in sorting]
    total = any(key in (_INSERTION, NATURAL) for key, _ in sorting)
    if direction < 0 and not total:
        names.append("-")  # what the keys leave equal is reversed too
    return [("sort", name) for name in names]
