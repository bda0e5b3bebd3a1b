"""Nodes count their data sources, so that a container that a file holds is told from one that holds nodes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

nodes = sa.table("nodes", sa.column("id"), sa.column("sources"))
data_sources = sa.table("data_sources", sa.column("node"))


def upgrade() -> None:
    """Add the number, and count."""
    op.add_column("nodes", sa.Column("sources", sa.Integer, nullable=False, server_default="0"))
    number = sa.select(sa.func.count()).select_from(data_sources).where(data_sources.c.node == nodes.c.id)
    counted = sa.update(nodes).where(nodes.c.id.in_(sa.select(data_sources.c.node)))
    op.execute(counted.values(sources=number.scalar_subquery()))


def downgrade() -> None:
    """Take the number away; nothing is lost, since it can be counted again."""
    op.drop_column("nodes", "sources")
