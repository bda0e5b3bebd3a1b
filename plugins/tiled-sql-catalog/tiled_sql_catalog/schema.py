"""The tables of a catalog.

`nodes` is the tree. A node's `path` is a digest of all keys down to it, so that one look-up finds it at any depth;
its `id` counts up in the order of insertion. `entries` is the index of all that can be asked about nodes: one row for
each value of each node, below its parent, in the order in which listings are sorted (see `entries.py`). JSON is
stored as text, since a database's own type would forget the order of keys and how numbers were written.
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
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql

ROOT = 1  # id of the node that all others are below

#: Numbers that count rows up: on SQLite only its own integer can.
Id = BigInteger().with_variant(Integer, "sqlite")
#: Text in the order of code points, whatever the locale of the database.
OrderedText = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("parent", BigInteger, ForeignKey("nodes.id")),
    Column("key", OrderedText, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("family", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("specs", Text, nullable=False),
    Column("access_tags", Text),
    Column("children", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("revised", BigInteger, nullable=False, server_default="0"),  # number of the last revision
    Column("created", BigInteger, nullable=False),  # microseconds since 1970
    Column("updated", BigInteger, nullable=False),
    Column("token", Text),  # by which the one who made it knows it again
    Column("sources", Integer, nullable=False, server_default="0"),  # how many data sources it has
    UniqueConstraint("path"),
    UniqueConstraint("parent", "key"),
    Index(None, "parent", "id"),
    sqlite_autoincrement=True,  # an id is never used again: cursors and ETags hold them
)

entries = Table(
    "entries",
    metadata,
    Column("parent", BigInteger, nullable=False),
    Column("address", BigInteger, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("node", BigInteger, nullable=False),
    PrimaryKeyConstraint("parent", "address", "value", "node"),
    sqlite_with_rowid=False,
)

revisions = Table(
    "revisions",
    metadata,
    Column("node", BigInteger, ForeignKey("nodes.id"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("specs", Text, nullable=False),
    Column("access_tags", Text),
    Column("updated", BigInteger, nullable=False),
    PrimaryKeyConstraint("node", "number"),
)

structures = Table(
    "structures",
    metadata,
    Column("id", LargeBinary, nullable=False),  # digest of the content, so that equal ones are stored once
    Column("content", Text, nullable=False),
    PrimaryKeyConstraint("id"),
)

data_sources = Table(
    "data_sources",
    metadata,
    Column("id", Id, primary_key=True),
    Column("node", BigInteger, ForeignKey("nodes.id"), nullable=False, index=True),
    Column("structure", LargeBinary, ForeignKey("structures.id"), nullable=False, index=True),
    Column("family", Text, nullable=False),
    Column("media_type", Text),
    Column("parameters", Text, nullable=False),
    Column("properties", Text, nullable=False),
    Column("management", Text, nullable=False),
    sqlite_autoincrement=True,
)

assets = Table(
    "assets",
    metadata,
    Column("id", Id, primary_key=True),
    Column("digest", LargeBinary, nullable=False),  # of the URI, which is too long for an index
    Column("uri", Text, nullable=False),
    Column("is_directory", Boolean(create_constraint=False), nullable=False),
    Column("size", BigInteger),
    UniqueConstraint("digest"),
    sqlite_autoincrement=True,
)

associations = Table(
    "associations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("data_source", BigInteger, ForeignKey("data_sources.id"), nullable=False),
    Column("asset", BigInteger, ForeignKey("assets.id"), nullable=False, index=True),
    Column("parameter", Text),
    Column("num", BigInteger),
    Index(None, "data_source", "num"),
)
