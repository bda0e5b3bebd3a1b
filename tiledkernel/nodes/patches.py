"""Patches of JSON: RFC 6902 (a list of operations) and RFC 7386 (a document to merge)."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from tiledkernel.errors import Unprocessable
from tiledkernel.nodes import values
from tiledkernel.nodes.writing import Change
from tiledkernel.specs import Spec

MAX_OPERATIONS = 10_000
MAX_EFFORT = 20_000_000  # characters that the operations of a patch copy or compare
_VALUE = 50  # characters that take as long as another value
_EXAMINED: Final = {"copy": "from", "test": "path"}  # by operations: where they find what they copy or compare
_BAD_ESCAPE = re.compile("~(?![01])")


class BadPatch(Unprocessable):
    """A patch that does not fit what it is to change."""

    def __init__(self, reason: str, operation: object = None) -> None:
        super().__init__(f"the patch cannot be applied: {reason}", "body", "metadata", value=operation)


class Patch(Struct, frozen=True, kw_only=True):
    """Patches of a node; None patches nothing. `merging` says that they are documents to merge."""

    metadata: Any = None
    specs: Any = None
    access_tags: Any = None
    merging: bool = False
    drop_revision: bool = False
    version: int | None = None

    def of(self, before: Any) -> Change:
        """What the patches make of a node; tags are patched in their order."""
        try:
            return self._of(before)
        except RecursionError:
            raise BadPatch("it nests too deeply") from None

    def _of(self, before: Any) -> Change:
        if self.merging:
            metadata = None if self.metadata is None else merge(before.metadata, self.metadata)
            specs, tags = self.specs, self.access_tags
        else:
            metadata = None if self.metadata is None else apply(before.metadata, self.metadata)
            specs = None if self.specs is None else apply(msgspec.to_builtins([*before.specs]), self.specs)
            known = sorted(before.access_tags or ())
            tags = None if self.access_tags is None else apply(known, self.access_tags)
        if self.metadata is not None and not isinstance(metadata, dict):
            raise BadPatch(f"metadata are an object, the patch makes a {type(metadata).__name__} of them")
        return Change(
            metadata=metadata,
            specs=_converted(specs, tuple[Spec, ...], "specs"),
            access_tags=_converted(tags, tuple[str, ...], "access_tags"),
            drop_revision=self.drop_revision,
            version=self.version,
        )


def _converted(found: Any, kind: Any, name: str) -> Any:
    if found is None:
        return None
    try:
        return msgspec.convert(msgspec.to_builtins(found), kind)
    except msgspec.ValidationError as error:
        raise BadPatch(f"it makes no valid {name}: {error}") from None


def merge(document: Any, patch: Any) -> Any:
    """The document with a merge patch applied: objects merge, null removes a key, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def apply(document: Any, operations: Sequence[Any]) -> Any:
    """A copy of the document after all operations; BadPatch if one of them does not fit."""
    if not isinstance(operations, list):
        raise BadPatch(f"expected a list of operations, got {type(operations).__name__}")
    if len(operations) > MAX_OPERATIONS:
        raise BadPatch(f"{len(operations)} operations are too many: at most {MAX_OPERATIONS} are taken")
    holder = {"": copy.deepcopy(document)}  # so that the document itself can be replaced
    effort = 0
    for operation in operations:
        effort += _effort(holder, operation)
        if effort > MAX_EFFORT:
            raise BadPatch("its operations copy or compare too much: send what it is to become")
        _apply(holder, operation)
    return holder[""]


def _effort(holder: dict[str, Any], operation: Any) -> int:
    """What an operation costs, as far as that is more than what its own text does."""
    name = operation.get("op") if isinstance(operation, dict) else None
    if name not in ("copy", "test"):
        return 0
    pending, total = [_get(holder, _pointer(operation, _EXAMINED[name]))], 0
    while pending and total <= MAX_EFFORT:
        value = pending.pop()
        total += _VALUE
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, dict):
            total += sum(map(len, value))
            pending += value.values()
    return total


def _apply(holder: dict[str, Any], operation: Any) -> None:
    name = operation.get("op") if isinstance(operation, dict) else None
    work = _OPERATIONS.get(name) if isinstance(name, str) else None
    if work is None:
        raise BadPatch(f"expected an object with 'op' one of {', '.join(_OPERATIONS)}, got {operation!r:.80}")
    work(holder, operation)


def _add(holder: dict[str, Any], operation: Mapping[str, Any]) -> None:
    _put(holder, _pointer(operation, "path"), _value(operation))


def _remove(holder: dict[str, Any], operation: Mapping[str, Any]) -> None:
    _take(holder, _pointer(operation, "path"))


def _replace(holder: dict[str, Any], operation: Mapping[str, Any]) -> None:
    path = _pointer(operation, "path")
    parent = _get(holder, path[:-1])
    parent[_existing(parent, path[-1])] = _value(operation)


def _move(holder: dict[str, Any], operation: Mapping[str, Any]) -> None:
    source, target = _pointer(operation, "from"), _pointer(operation, "path")
    if target[: len(source)] == source and target != source:
        raise BadPatch(f"{_shown(source)} cannot be moved into itself")
    _put(holder, target, _take(holder, source))


def _copy(holder: dict[str, Any], operation: Mapping[str, Any]) -> None:
    found = copy.deepcopy(_get(holder, _pointer(operation, "from")))
    _put(holder, _pointer(operation, "path"), found)


def _test(holder: dict[str, Any], operation: Mapping[str, Any]) -> None:
    path = _pointer(operation, "path")
    if values.frozen(_get(holder, path)) != values.frozen(_value(operation)):
        raise BadPatch(f"the test at {_shown(path)} fails: there is another value", operation.get("path"))


_OPERATIONS: Final[Mapping[str, Callable[[dict[str, Any], Mapping[str, Any]], None]]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise BadPatch(f"the operation {operation['op']!r} needs a 'value'")
    return copy.deepcopy(operation["value"])


def _pointer(operation: Mapping[str, Any], field: str) -> list[str]:
    """The parts of a JSON pointer, below the holder."""
    text = operation.get(field)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise BadPatch(f"expected a JSON pointer such as '/sample/name' under {field!r}, got {text!r:.80}")
    if _BAD_ESCAPE.search(text):
        raise BadPatch(f"{text!r:.80} is no JSON pointer: write '~0' for '~'", text[:80])
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")]


def _get(holder: Any, path: Sequence[str]) -> Any:
    found = holder
    for part in path:
        found = found[_existing(found, part)]
    return found


def _put(holder: dict[str, Any], path: list[str], value: Any) -> None:
    parent, last = _get(holder, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(parent, last, len(parent) + 1), value)
    else:
        raise BadPatch(f"{_shown(path[:-1])} is neither an object nor a list")


def _take(holder: dict[str, Any], path: list[str]) -> Any:
    if path == [""]:
        raise BadPatch("the whole document cannot be removed")
    parent = _get(holder, path[:-1])
    return parent.pop(_existing(parent, path[-1]))


def _existing(parent: Any, part: str) -> Any:
    if isinstance(parent, dict):
        if part not in parent:
            raise BadPatch(f"there is nothing at {part!r:.80}")
        return part
    if isinstance(parent, list):
        return _index(parent, part, len(parent))
    raise BadPatch(f"there is nothing below a value, at {part!r:.80}")


def _index(parent: list[Any], part: str, end: int) -> int:
    plain = part.isascii() and part.isdecimal() and (part == "0" or not part.startswith("0")) and len(part) < 10
    if not plain or int(part) >= end:
        raise BadPatch(f"{part!r:.80} is no place in a list of {len(parent)}")
    return int(part)


def _shown(path: Sequence[str]) -> str:
    return repr("/".join(path)[:80])
