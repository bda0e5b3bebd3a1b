"""Keys of a container, and names of columns, for what a file calls them."""

from __future__ import annotations

from collections.abc import Iterable

_FORBIDDEN = {ord("/"): "_", ord("\0"): "_"}  # a path is split at the one, and no file system takes the other


def distinct_keys(names: Iterable[str]) -> list[str]:
    """One key for each name, in order: the name itself wherever it can be a segment of a path.

    A slash becomes an underscore; equal keys are numbered, as `distinct` does.
    """
    return distinct(map(_segment, names))


def distinct(names: Iterable[str]) -> list[str]:
    """The names in their order, of several equal ones the later numbered, as in pandas: 'x', 'x.1', 'x.2'."""
    wanted = list(names)
    taken = set(wanted)
    unique: dict[str, None] = {}
    for name in wanted:
        found, count = name, 0
        while found in unique or (count and found in taken):
            count += 1
            found = f"{name}.{count}"
        unique[found] = None
    return list(unique)


def _segment(name: str) -> str:
    key = name.translate(_FORBIDDEN)
    return key if key.strip(".") else f"_{key}"  # '', '.' and '..' mean something in a path
