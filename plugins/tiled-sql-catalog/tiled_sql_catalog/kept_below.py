"""Which data below a node are kept in a place that is no file."""

from __future__ import annotations

from sqlalchemy import Connection, select

from tiled_sql_catalog.schema import assets, associations, data_sources, nodes
from tiled_sql_catalog.sources import sources_of
from tiledkernel.nodes.protocols import DataSource


def kept_elsewhere(connection: Connection, top: int) -> list[DataSource]:
    """The data sources at or below a node that the server keeps in databases and buckets."""
    below = select(nodes.c.id).where(nodes.c.id == top).cte("below", recursive=True)
    below = below.union_all(select(nodes.c.id).where(nodes.c.parent == below.c.id))
    statement = (
        select(data_sources.c.node)
        .distinct()
        .join(below, below.c.id == data_sources.c.node)
        .join(associations, associations.c.data_source == data_sources.c.id)
        .join(assets, assets.c.id == associations.c.asset)
        .where(data_sources.c.management != "external", ~assets.c.uri.startswith("file:"))
    )
    found = [*connection.execute(statement).scalars()]
    return [source for sources in sources_of(connection, found).values() for source in sources] if found else []
