"""Where Alembic gets its connection from: whoever asked for a migration."""

from __future__ import annotations

from alembic import context

from tiled_accounts.revisions import VERSIONS
from tiled_accounts.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSIONS,
    render_as_batch=True,
)
context.run_migrations()
