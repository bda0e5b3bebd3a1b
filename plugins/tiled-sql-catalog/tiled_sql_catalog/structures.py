"""What data look like: from the JSON of the catalog to the structure of their family."""

from __future__ import annotations

from typing import Any

import msgspec

from tiledkernel import references
from tiledkernel.errors import Unavailable
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.records import Family
from tiledkernel.registry import Registry


class Structures:
    """The structures of the installed families."""

    def __init__(self, families: Registry[Family]) -> None:
        self._families = families

    def of(self, source: DataSource) -> Any:
        """What the data of a source look like; Unavailable if no plugin knows the family."""
        family = self._families.get(source.structure_family)
        if family is None:
            raise Unavailable(f"no plugin knows the family {source.structure_family!r}")
        try:
            return msgspec.convert(source.structure, references.load(family.structure))
        except msgspec.ValidationError as error:
            raise Unavailable(f"its structure is none of a {source.structure_family}: {error}") from None

    def decoded(self, source: DataSource) -> DataSource:
        """A data source with its structure as an object, as storages take it."""
        return msgspec.structs.replace(source, structure=self.of(source))
