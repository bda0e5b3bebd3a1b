"""Nodes with data: described by the catalog; read, and perhaps written, where the data rest."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from typing import Any

from tiled_sql_catalog.node import Catalog, CatalogNode, SourceBatch
from tiled_sql_catalog.records import Node
from tiledkernel.errors import Unavailable
from tiledkernel.families.array.structure import FAMILY as ARRAY
from tiledkernel.nodes.described import Described, describe
from tiledkernel.nodes.files import FileEntry
from tiledkernel.nodes.protocols import DataSource, Words


class Leaf(CatalogNode):
    """A node with data: what it is stands in the catalog, and it is opened to be read or written."""

    def __init__(self, catalog: Catalog, row: Node, batch: SourceBatch | None = None) -> None:
        super().__init__(catalog, row, batch)
        self.family = row.family

    @property
    def source(self) -> DataSource:
        """Where its data rest; Unavailable if nobody said."""
        found = self.data_sources()
        if not found:
            raise self._nowhere()
        return found[0]

    @cached_property
    def structure(self) -> Any:
        """What the data look like, as the catalog knows it; Unavailable if no plugin knows the family."""
        shape = self._together.shape(self._row)
        if shape is None:
            raise self._nowhere()
        try:
            return self.catalog.structures.of_shape(shape)
        except Unavailable as error:
            raise Unavailable(f"{self.key!r} is unavailable: {error}") from None

    def words(self) -> Words | None:
        """What it says of itself, as JSON; None if it cannot be described."""
        shape = self._together.shape(self._row)
        if shape is None or not self.catalog.structures.knows(shape):
            return None
        return self._words((shape.family, shape.id))

    def _nowhere(self) -> Unavailable:
        """Nobody said where the data are; NotFound if that is because the node was deleted a moment ago."""
        self.catalog.store.fresh(self._row)
        return Unavailable(f"{self.key!r} is unavailable: the catalog does not know where its data are")

    def opened(self) -> tuple[Described, FileEntry | None, Hashable]:
        """The node with its data, the file that they come from, if a reader reads it, and that file's stamp."""
        source = self.source
        if not source.assets:  # of what the server keeps there are always some
            self.catalog.store.fresh(self._row)
        if self.catalog.vault.keeps(source):
            data = self.catalog.vault.open(self._row, source)
            return describe(self, data, read_only=not self.catalog.vault.may_write(source)), None, None
        file = self.catalog.files.entry(self.key, source, self.structure if self.family == ARRAY else None)
        with file.guard:
            data, stamp = file.open_stamped()
        return describe(self, data, read_only=True), file, (self._row.version, stamp)

    def __repr__(self) -> str:
        return f"<Leaf {self.key!r} of family {self.family!r}>"


class FileContainer(Leaf):
    """A container that a registered file holds."""

    swift = False  # its file may have to be asked how many children there are

    def words(self) -> None:
        """It has to be described like other nodes."""

    def __len__(self) -> int:
        structure = self.source.structure
        keys = structure.get("keys") if isinstance(structure, dict) else None
        return len(keys) if isinstance(keys, list) else len(self.opened()[0].data)
