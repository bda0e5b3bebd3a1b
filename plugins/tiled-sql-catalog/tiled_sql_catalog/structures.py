"""What data look like: from the JSON of the catalog to the structure of their family."""

from __future__ import annotations

from typing import Any

import msgspec

from tiled_sql_catalog.shapes import Shape
from tiledkernel import references, wire
from tiledkernel.errors import Unavailable
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.records import Family
from tiledkernel.registry import Registry

_MOST = 10_000  # structures that are remembered


class Structures:
    """The structures of the installed families."""

    def __init__(self, families: Registry[Family]) -> None:
        self._families = families
        self._known: dict[tuple[str, bytes], Any] = {}

    def of(self, source: DataSource) -> Any:
        """What the data of a source look like; Unavailable if no plugin knows the family."""
        return self._decoded(source.structure_family, source.structure)

    def of_shape(self, shape: Shape) -> Any:
        """The same, of what the catalog has for many nodes; equal ones are decoded once."""
        key = (shape.family, shape.id)
        found = self._known.get(key)
        if found is None:
            found = self._decoded(shape.family, wire.decode_json(shape.content))
            if len(self._known) > _MOST:
                self._known.clear()
            self._known[key] = found
        return found

    def knows(self, shape: Shape) -> bool:
        """Whether a plugin knows what such data look like."""
        try:
            self.of_shape(shape)
        except Unavailable:
            return False
        return True

    def decoded(self, source: DataSource) -> DataSource:
        """A data source with its structure as an object, as storages take it."""
        return msgspec.structs.replace(source, structure=self.of(source))

    def _decoded(self, name: str, structure: Any) -> Any:
        family = self._families.get(name)
        if family is None:
            raise Unavailable(f"no plugin knows the family {name!r}")
        try:
            return msgspec.convert(structure, references.load(family.structure))
        except msgspec.ValidationError as error:
            raise Unavailable(f"its structure is none of a {name}: {error}") from None
