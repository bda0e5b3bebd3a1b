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
        first: dict[int, tuple[int, str, bytes]] = {}
        for node, source, family, structure in _kept(connection, nodes):
            if node not in first or source < first[node][0]:
                first[node] = (source, family, bytes(structure))
        pairs = {(family, structure) for _, family, structure in first.values()}
        contents = self._contents(connection, {structure for _, structure in pairs})
        shapes = {(family, id_): Shape(family, id_, contents[id_]) for family, id_ in pairs}
        return {node: shapes[family, structure] for node, (_, family, structure) in first.items()}

    def _contents(self, connection: Connection, wanted: set[bytes]) -> dict[bytes, str]:
        known = self._known  # which another thread may replace meanwhile
        missing = wanted - known.keys()
        if not missing:
            return known
        new = {bytes(id_): content for id_, content in _contents(connection, missing)}
        self._known = new if len(known) > _MOST else known | new
        return known | new
