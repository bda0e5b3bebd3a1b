"""From one JSON value to another: the operations of RFC 6902 that lead there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tiledkernel.wire import encode_json


def diff(before: Any, after: Any, path: str = "") -> list[dict[str, Any]]:
    """Operations that make `after` of `before`; they name only what differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        return list(_between_objects(before, after, path))
    if isinstance(before, list) and isinstance(after, list):
        operations, whole = list(_between_lists(before, after, path, diff)), _replace(path, after)
        return operations if len(encode_json(operations)) <= len(encode_json([whole])) else [whole]
    return diff_whole(before, after, path)


def diff_items(before: list[Any], after: list[Any]) -> list[dict[str, Any]]:
    """Operations that make one list of the other, whose elements, such as specs, are kept or replaced as they are."""
    return list(_between_lists(before, after, "", diff_whole))


def diff_whole(before: Any, after: Any, path: str) -> list[dict[str, Any]]:
    """The operation that replaces a value, if it is to be another one."""
    return [] if same(before, after) else [_replace(path, after)]


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; unlike in Python, 1 is neither true nor 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _between_objects(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
    for key in before:
        if key not in after:
            yield {"op": "remove", "path": _below(path, key)}
    for key, value in after.items():
        if key in before:
            yield from diff(before[key], value, _below(path, key))
        else:
            yield {"op": "add", "path": _below(path, key), "value": value}


def _between_lists(
    before: list[Any], after: list[Any], path: str, between: Callable[[Any, Any, str], list[dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """What is to be done between an equal beginning and an equal end."""
    start = 0
    while start < min(len(before), len(after)) and same(before[start], after[start]):
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and same(before[-1 - end], after[-1 - end]):
        end += 1
    gone, new = before[start : len(before) - end], after[start : len(after) - end]
    common = min(len(gone), len(new))
    for place in range(common):
        yield from between(gone[place], new[place], _below(path, start + place))
    for place in reversed(range(common, len(gone))):
        yield {"op": "remove", "path": _below(path, start + place)}
    for place in range(common, len(new)):
        yield {"op": "add", "path": _below(path, start + place), "value": new[place]}


def _replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def _below(path: str, part: str | int) -> str:
    return f"{path}/{str(part).replace('~', '~0').replace('/', '~1')}"
