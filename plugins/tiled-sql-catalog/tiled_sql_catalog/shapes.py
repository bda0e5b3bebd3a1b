"""What the data of nodes look like: the family and the structure of the first data source, without anything else."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, select

from tiled_sql_catalog.schema import data_sources, structures
from tiled_sql_catalog.statements import Among

_kept = Among(
    data_sources.c.node,
    select(data_sources.c.node, data_sources.c.id, data_sources.c.family, data_sources.c.structure),
)
_contents = Among(structures.c.id, select(structures.c.id, structures.c.content))
_MOST = 10_000  # structures that are remembered


class Shape(Struct, frozen=True):
    """A family, and the JSON of a structure; shapes with the same `id` are the same."""

    family: str
    id: bytes
    content: str


class Shapes:
    """Finds shapes; structures, which never change, are remembered, since most nodes share theirs with many."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def of(self, connection: Connection, nodes: Sequence[int]) -> dict[int, Shape]:
        """The shapes of nodes that have data."""
        rows = sorted(_kept(connection, nodes), key=lambda row: -row.id)  # so that the first one is the last to be set
        known = dict(self._known)
        missing = {bytes(row.structure) for row in rows} - known.keys()
        if missing:
            new = {bytes(id_): content for id_, content in _contents(connection, missing)}
            known |= new
            if len(self._known) > _MOST:
                self._known.clear()
            self._known.update(new)
        return {row.node: Shape(row.family, bytes(row.structure), known[bytes(row.structure)]) for row in rows}
