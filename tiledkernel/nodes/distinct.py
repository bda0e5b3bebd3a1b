"""Which values the children of a container have, and how often."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from tiledkernel.nodes import values
from tiledkernel.nodes.protocols import Node
from tiledkernel.specs import as_spec


class _Tally:
    """Values in the order of their first appearance, with their numbers."""

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple[Any, int]] = {}

    def add(self, value: Any) -> None:
        identity = values.frozen(value)
        first, count = self._found.get(identity, (value, 0))
        self._found[identity] = first, count + 1

    def report(self, *, counts: bool) -> list[dict[str, Any]]:
        return [{"value": value, "count": count if counts else None} for value, count in self._found.values()]


def distinct(
    children: Iterable[tuple[str, Node]],
    metadata_keys: Sequence[str] = (),
    *,
    structure_families: bool = False,
    specs: bool = False,
    counts: bool = False,
) -> dict[str, Any]:
    """The different values at some metadata keys, families and lists of specs among the children.

    Children without a key are left out of its list; a list of specs counts as a whole, in its order, the empty one
    too. What is not asked for is None, and so is each count without `counts`.
    """
    by_key = {key: _Tally() for key in metadata_keys}
    by_family, by_specs = _Tally(), _Tally()
    for _, node in children:
        for key, tally in by_key.items():
            value = values.look_up(node.metadata, key)
            if value is not values.MISSING:
                tally.add(value)
        if structure_families:
            by_family.add(str(node.family))
        if specs:
            by_specs.add([{"name": spec.name, "version": spec.version} for spec in map(as_spec, node.specs)])
    return {
        "metadata": {key: tally.report(counts=counts) for key, tally in by_key.items()} or None,
        "structure_families": by_family.report(counts=counts) if structure_families else None,
        "specs": by_specs.report(counts=counts) if specs else None,
    }
