"""The first layout: principals with identities and roles, sessions, pending logins, keys, attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_TABLES = ("principals", "identities", "roles", "sessions", "device_logins", "spent_logins", "keys", "attempts")


def upgrade() -> None:
    """Make the tables."""
    _create_principals()
    _create_logins()
    _create_keys()
    op.create_table(
        "accounts_changes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_changes"),
    )
    op.execute("INSERT INTO accounts_changes (id, number) VALUES (1, 0)")


def _create_principals() -> None:
    op.create_table(
        "accounts_principals",
        sa.Column("id", ID, nullable=False),
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("latest_activity", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_principals"),
        sa.UniqueConstraint("uuid", name="uq_accounts_principals_uuid"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "accounts_identities",
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("principal", sa.BigInteger, nullable=False),
        sa.Column("latest_login", sa.BigInteger),
        sa.PrimaryKeyConstraint("provider", "id", name="pk_accounts_identities"),
        _of_principal("identities"),
    )
    op.create_index("ix_accounts_identities_principal", "accounts_identities", ["principal"])
    op.create_table(
        "accounts_roles",
        sa.Column("principal", sa.BigInteger, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("configured", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("principal", "role", name="pk_accounts_roles"),
        _of_principal("roles"),
    )


def _create_logins() -> None:
    op.create_table(
        "accounts_sessions",
        sa.Column("id", ID, nullable=False),
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("principal", sa.BigInteger, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("refreshed", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_sessions"),
        sa.UniqueConstraint("uuid", name="uq_accounts_sessions_uuid"),
        _of_principal("sessions"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_accounts_sessions_principal", "accounts_sessions", ["principal"])
    op.create_index("ix_accounts_sessions_ends", "accounts_sessions", ["ends"])
    op.create_table(
        "accounts_device_logins",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("device_code", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("user_code", sa.Text, nullable=False),
        sa.Column("remembered", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("polled", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("session", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_device_logins"),
        sa.UniqueConstraint("device_code", name="uq_accounts_device_logins_device_code"),
        sa.UniqueConstraint("state", name="uq_accounts_device_logins_state"),
        sa.ForeignKeyConstraint(["session"], ["accounts_sessions.id"], name="fk_accounts_device_logins_session"),
    )
    op.create_index("ix_accounts_device_logins_expires", "accounts_device_logins", ["expires"])
    op.create_table(
        "accounts_spent_logins",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_accounts_spent_logins"),
    )
    op.create_index("ix_accounts_spent_logins_expires", "accounts_spent_logins", ["expires"])


def _create_keys() -> None:
    op.create_table(
        "accounts_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("principal", sa.BigInteger, nullable=False),
        sa.Column("first_eight", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("note", sa.Text),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("access_tags", sa.Text),
        sa.Column("latest_activity", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_keys"),
        sa.UniqueConstraint("digest", name="uq_accounts_keys_digest"),
        sa.UniqueConstraint("principal", "first_eight", name="uq_accounts_keys_principal_first_eight"),
        _of_principal("keys"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_accounts_keys_expires", "accounts_keys", ["expires"])
    op.create_table(
        "accounts_attempts",
        sa.Column("subject", sa.LargeBinary, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("latest", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_accounts_attempts"),
    )
    op.create_index("ix_accounts_attempts_latest", "accounts_attempts", ["latest"])


def _of_principal(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_accounts_{table}_principal"
    return sa.ForeignKeyConstraint(["principal"], ["accounts_principals.id"], name=name)


def downgrade() -> None:
    """Take the tables away, with all that is in them."""
    for table in ("changes", *reversed(_TABLES)):
        op.drop_table(f"accounts_{table}")
