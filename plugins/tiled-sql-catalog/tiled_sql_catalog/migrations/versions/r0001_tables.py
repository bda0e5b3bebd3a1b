"""The first layout: nodes with their index, revisions, data sources and assets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
ORDERED = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "nodes",
        sa.Column("id", ID, nullable=False),
        sa.Column("parent", sa.BigInteger),
        sa.Column("key", ORDERED, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("specs", sa.Text, nullable=False),
        sa.Column("access_tags", sa.Text),
        sa.Column("children", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("revised", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("token", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
        sa.ForeignKeyConstraint(["parent"], ["nodes.id"], name="fk_nodes_parent"),
        sa.UniqueConstraint("path", name="uq_nodes_path"),
        sa.UniqueConstraint("parent", "key", name="uq_nodes_parent_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_nodes_parent_id", "nodes", ["parent", "id"])
    op.create_table(
        "entries",
        sa.Column("parent", sa.BigInteger, nullable=False),
        sa.Column("address", sa.BigInteger, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("node", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("parent", "address", "value", "node", name="pk_entries"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revisions",
        sa.Column("node", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("specs", sa.Text, nullable=False),
        sa.Column("access_tags", sa.Text),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("node", "number", name="pk_revisions"),
        sa.ForeignKeyConstraint(["node"], ["nodes.id"], name="fk_revisions_node"),
    )
    _create_sources()


def _create_sources() -> None:
    op.create_table(
        "structures",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_structures"),
    )
    op.create_table(
        "data_sources",
        sa.Column("id", ID, nullable=False),
        sa.Column("node", sa.BigInteger, nullable=False),
        sa.Column("structure", sa.LargeBinary, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("properties", sa.Text, nullable=False),
        sa.Column("management", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_data_sources"),
        sa.ForeignKeyConstraint(["node"], ["nodes.id"], name="fk_data_sources_node"),
        sa.ForeignKeyConstraint(["structure"], ["structures.id"], name="fk_data_sources_structure"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_data_sources_node", "data_sources", ["node"])
    op.create_index("ix_data_sources_structure", "data_sources", ["structure"])
    op.create_table(
        "assets",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("is_directory", sa.Boolean, nullable=False),
        sa.Column("size", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_assets"),
        sa.UniqueConstraint("digest", name="uq_assets_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "associations",
        sa.Column("id", ID, nullable=False),
        sa.Column("data_source", sa.BigInteger, nullable=False),
        sa.Column("asset", sa.BigInteger, nullable=False),
        sa.Column("parameter", sa.Text),
        sa.Column("num", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_associations"),
        sa.ForeignKeyConstraint(["data_source"], ["data_sources.id"], name="fk_associations_data_source"),
        sa.ForeignKeyConstraint(["asset"], ["assets.id"], name="fk_associations_asset"),
    )
    op.create_index("ix_associations_asset", "associations", ["asset"])
    op.create_index("ix_associations_data_source_num", "associations", ["data_source", "num"])


def downgrade() -> None:
    """Take the tables away, with all that is in them."""
    for table in ("associations", "assets", "data_sources", "structures", "revisions", "entries", "nodes"):
        op.drop_table(table)
