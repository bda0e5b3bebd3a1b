"""The tables of accounts.

Secrets are not among what rests here: of API keys and device codes there are digests (they are random, so nobody can
guess what a digest is of), of access and refresh tokens nothing. Moments are microseconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

#: Numbers that count rows up: on SQLite only its own integer can.
Id = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

principals = Table(
    "accounts_principals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),  # 32 hexadecimal digits
    Column("type", Text, nullable=False),  # 'user' or 'service'
    Column("created", BigInteger, nullable=False),
    Column("latest_activity", BigInteger),
    sqlite_autoincrement=True,
)

identities = Table(
    "accounts_identities",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("principal", BigInteger, ForeignKey(principals.c.id), nullable=False, index=True),
    Column("latest_login", BigInteger),  # none: known from the configuration only
)

roles = Table(
    "accounts_roles",
    metadata,
    Column("principal", BigInteger, ForeignKey(principals.c.id), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("configured", Boolean(create_constraint=False), nullable=False),  # it lasts as long as the configuration
)

sessions = Table(
    "accounts_sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("principal", BigInteger, ForeignKey(principals.c.id), nullable=False, index=True),
    Column("provider", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),  # whatever happens
    Column("ends", BigInteger, nullable=False, index=True),  # unless it is refreshed before
    Column("generation", Integer, nullable=False),  # of the refresh token that counts
    Column("refreshed", BigInteger, nullable=False),
    Column("revoked", Boolean(create_constraint=False), nullable=False),
    Column("state", Text, nullable=False),  # JSON that the login left for trees
    sqlite_autoincrement=True,
)

device_logins = Table(
    "accounts_device_logins",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("device_code", LargeBinary, nullable=False, unique=True),  # digest
    Column("state", LargeBinary, nullable=False, unique=True),  # digest
    Column("user_code", Text, nullable=False),
    Column("remembered", Text, nullable=False),  # JSON, what the login wants back
    Column("expires", BigInteger, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),  # to tell the user code
    Column("polled", BigInteger, nullable=False),
    Column("address", Text),  # of the device, or its network
    Column("session", BigInteger, ForeignKey(sessions.c.id)),  # once somebody has logged in
)

spent_logins = Table(
    "accounts_spent_logins",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of the ticket of a browser that has come back
    Column("expires", BigInteger, nullable=False, index=True),
)

keys = Table(
    "accounts_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("principal", BigInteger, ForeignKey(principals.c.id), nullable=False),
    Column("first_eight", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, index=True),
    Column("note", Text),
    Column("scopes", Text, nullable=False),  # JSON
    Column("access_tags", Text),  # JSON
    Column("latest_activity", BigInteger),
    UniqueConstraint("principal", "first_eight"),
    sqlite_autoincrement=True,
)

attempts = Table(
    "accounts_attempts",
    metadata,
    Column("subject", LargeBinary, primary_key=True),  # digest of what is being tried
    Column("failures", Integer, nullable=False),
    Column("latest", BigInteger, nullable=False),
    Index(None, "latest"),
)

changes = Table(
    "accounts_changes",
    metadata,
    Column("id", Integer, primary_key=True),  # there is one row
    Column("number", BigInteger, nullable=False),  # counts what makes remembered credentials doubtful
)
