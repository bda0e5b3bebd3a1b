"""The spec `composite`: a flat name space of arrays and of the columns of tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tiledkernel.nodes.validation import ValidationError
from tiledkernel.nodes.writing import Draft
from tiledkernel.specs import Spec

MAX_PARTS = 10_000  # that are looked at


def validate(spec: Spec, metadata: Mapping[str, Any], node: Any, family: str | None, structure: Any) -> None:
    """A composite is a container, of no containers, in which no two parts or columns have one name."""
    del spec, metadata, structure
    kind = family or node.family
    if kind != "container":
        raise ValidationError(f"only a container can be a composite, this is of family {kind!r}")
    if node is None:
        return
    taken: dict[str, str] = {}
    for number, (key, names) in enumerate(_parts(node)):
        if number >= MAX_PARTS:
            raise ValidationError(f"a composite has at most {MAX_PARTS} parts")
        _add(taken, key, names)


def validate_child(spec: Spec, parent: Any, draft: Draft) -> None:
    """No containers, and no name that there is already."""
    del spec
    _check_family(draft.key or "", draft.family)
    taken: dict[str, str] = {}
    for key, names in _parts(parent):
        _add(taken, key, names)
    if draft.key is not None:
        _add(taken, draft.key, _names(draft.key, draft.family, draft.data_sources[0].structure))


def _parts(container: Any) -> Iterator[tuple[str, list[str]]]:
    for key in container.keys():  # noqa: SIM118 - a node of a family, which is iterated by its keys only here
        part = container[key]
        _check_family(key, part.family)
        yield key, _names(key, part.family, part.structure)


def _check_family(key: str, family: str) -> None:
    if family == "container":
        raise ValidationError(f"{key!r} is a container, and a composite holds none")


def _names(key: str, family: str, structure: Any) -> list[str]:
    """The names that a part has in the flat space: its own, or those of its columns."""
    if family != "table":
        return [key]
    return list(structure["columns"] if isinstance(structure, Mapping) else structure.columns)


def _add(taken: dict[str, str], key: str, names: list[str]) -> None:
    for name in names:
        if name in taken:
            raise ValidationError(
                f"{name!r} is the name of a part of {key!r} and of {taken[name]!r}: rename one of them"
            )
        taken[name] = key
