"""Where Alembic gets its connection from: whoever asked for a migration."""

from __future__ import annotations

from alembic import context

from tiled_sql_catalog.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="tiled_catalog_revision",
    render_as_batch=True,
)
context.run_migrations()
