"""Changes of the tree. Each function runs inside a transaction, and raises before anything is half done."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Sequence
from hashlib import blake2b

from msgspec import structs
from sqlalchemy import BigInteger, Connection, bindparam, delete, insert, select, update

from tiled_sql_catalog.batch import Batch, delete_entries, insert_entries
from tiled_sql_catalog.content import check_text, content_of
from tiled_sql_catalog.dialects import Dialect, dialect_of
from tiled_sql_catalog.entries import Entry, entries_of
from tiled_sql_catalog.paths import check_key, child_path
from tiled_sql_catalog.records import COLUMNS, Node
from tiled_sql_catalog.schema import ROOT, entries, nodes, revisions
from tiled_sql_catalog.sources import drop_sources, internal_below
from tiled_sql_catalog.statements import Among, Prepared, batches
from tiled_sql_catalog.times import now
from tiledkernel.errors import BadRequest, Conflict, KeyTaken, NotAllowed, NotFound, PreconditionFailed, Unprocessable
from tiledkernel.nodes.protocols import Asset
from tiledkernel.nodes.writing import Change, Draft

_count_children = Prepared(
    update(nodes)
    .where(nodes.c.id == bindparam("node"))
    .values(children=nodes.c.children + bindparam("more", type_=BigInteger))
    .returning(nodes.c.path, nodes.c.family),
    "more", "node",
)  # fmt: skip
_by_path = Among(nodes.c.path, select(*COLUMNS))


def create(connection: Connection, dialect: Dialect, parent: int, drafts: Sequence[Draft]) -> list[Node]:
    """New children of a container, in their order; Conflict if a key is taken, unless by the same maker's token."""
    row = _count_children(connection, len(drafts), parent).first()
    if row is None:
        raise NotFound("the container in which to create a node is gone")
    if row.family != "container":
        raise NotAllowed(f"nothing can be created below a node of family {row.family!r}: only in containers")
    keys = [_key(draft) for draft in drafts]
    paths = [child_path(row.path, key) for key in keys]
    there = {found.path: found for found in (Node(*each) for each in _by_path(connection, paths))}
    ids = iter(dialect.reserve(connection, nodes, len(drafts)))
    made: list[Node] = []
    batch, again = Batch(), 0
    for draft, key, path in zip(drafts, keys, paths, strict=True):
        node = there.get(path)
        if node is None:
            node, entered = _made(draft, next(ids), parent, key, path)
            batch.add(node, entered, draft.data_sources)
            there[path] = node
        elif draft.token is None or node.token != draft.token:
            raise KeyTaken(key)
        else:
            again += 1
        made.append(node)
    if again:
        _count_children(connection, -again, parent)
    batch.store(connection, dialect)
    return made


def _key(draft: Draft) -> str:
    token = None if draft.token is None else check_text(draft.token, "token")
    return _made_up(token) if draft.key is None else check_key(draft.key)


def _made(draft: Draft, identity: int, parent: int, key: str, path: bytes) -> tuple[Node, set[Entry]]:
    """The node of a draft, and what the index is to know of it."""
    content = content_of(draft.metadata, draft.specs, draft.access_tags)
    family = check_text(draft.family, "structure_family")
    if family == "container" and draft.data_sources and not _describes_a_file(draft):
        raise Unprocessable("a container has no data of its own: leave out 'data_sources'", "body", "data_sources")
    moment = now()
    node = Node(
        id=identity, parent=parent, key=key, path=path, family=family, metadata_text=content.metadata_text,
        specs_text=content.specs_text, tags_text=content.tags_text, children=0, version=1, created=moment,
        updated=moment, token=draft.token, sources=len(draft.data_sources),
    )  # fmt: skip
    return node, entries_of(content.metadata, family, content.specs, content.access_tags)


def _describes_a_file(draft: Draft) -> bool:
    """Whether a container is what a registered file holds."""
    return all(source.management == "external" for source in draft.data_sources)


def _made_up(token: str | None) -> str:
    """A random key; the same again for the same token."""
    seed = secrets.token_bytes(16) if token is None else blake2b(token.encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=seed, version=4))


def locked(connection: Connection, node: int) -> Node:
    """A node that nobody else changes until the transaction ends; NotFound if it is gone."""
    row = connection.execute(select(*COLUMNS).where(nodes.c.id == node).with_for_update()).first()
    if row is None:
        raise NotFound("the node is gone: it was deleted")
    return Node(*row)


def change(connection: Connection, node: int, make: Callable[[Node], Change]) -> Node:
    """The node after what `make` wants of its current state; the state before is kept as a revision."""
    before = locked(connection, node)
    wanted = make(before)
    check_version(before, wanted.version)
    content = content_of(
        before.metadata if wanted.metadata is None else wanted.metadata,
        before.specs if wanted.specs is None else wanted.specs,
        before.access_tags if wanted.access_tags is None else wanted.access_tags,
    )
    moment = max(now(), before.updated + 1)
    if not wanted.drop_revision:
        _keep(connection, before)
    row = content.row | {"version": before.version + 1, "updated": moment}
    connection.execute(update(nodes).where(nodes.c.id == node).values(**row))
    if before.parent is not None:
        old, new = (
            _entries(before),
            entries_of(
                content.metadata, before.family, content.specs, content.access_tags,
                bounded=wanted.metadata is not None,
            ),
        )  # fmt: skip
        dialect = dialect_of(connection)
        delete_entries(connection, dialect, [(before.parent, place, value, node) for place, value in old - new])
        insert_entries(connection, dialect, [(before.parent, place, value, node) for place, value in new - old])
    return structs.replace(
        before,
        metadata_text=row["metadata"],
        specs_text=row["specs"],
        tags_text=row["access_tags"],
        version=row["version"],
        updated=moment,
    )


def touch(connection: Connection, node: int) -> Node:
    """A node whose data are described anew: its version counts up, and no revision is kept."""
    row = connection.execute(
        update(nodes).where(nodes.c.id == node).values(version=nodes.c.version + 1, updated=now()).returning(*COLUMNS)
    ).one()
    return Node(*row)


def _entries(node: Node) -> set[Entry]:
    return entries_of(node.metadata, node.family, node.specs, node.access_tags, bounded=False)


def check_version(node: Node, version: int | None) -> None:
    """PreconditionFailed if the caller knows another version."""
    if version is not None and version != node.version:
        raise PreconditionFailed(
            f"{node.key!r} was changed meanwhile: it is at version {node.version}, not {version}; read it again"
        )


def _keep(connection: Connection, before: Node) -> None:
    """Store a revision, numbered after the last one there ever was."""
    number = connection.execute(
        update(nodes).where(nodes.c.id == before.id).values(revised=nodes.c.revised + 1).returning(nodes.c.revised)
    ).scalar_one()
    connection.execute(
        insert(revisions),
        {
            "node": before.id, "number": number, "metadata": before.metadata_text, "specs": before.specs_text,
            "access_tags": before.tags_text, "updated": before.updated,
        },
    )  # fmt: skip


def remove(
    connection: Connection, node: int, *, recursive: bool, external_only: bool, version: int | None = None
) -> list[Asset]:
    """Delete a node with all below it; the files of data kept by the server that nobody needs any more.

    Conflict if it is not empty and that is not allowed, or if the server keeps data that would be lost.
    """
    if node == ROOT:
        raise BadRequest("the root of a catalog cannot be deleted: delete what is in it")
    top = locked(connection, node)
    check_version(top, version)
    if top.children and not recursive:
        raise Conflict(f"{top.key!r} is not empty ({top.children} in it): 'recursive' deletes what is in it as well")
    levels = _below(connection, top)
    everything = [identity for level in levels for identity in level]
    if external_only and (kept := internal_below(connection, everything)):
        raise Conflict(
            f"the server itself keeps data of {top.key!r} or of what is in it ({len(kept)} in all): "
            "'external_only=false' deletes these data as well"
        )
    if top.parent is not None:
        gone = [(top.parent, place, value, node) for place, value in _entries(top)]
        delete_entries(connection, dialect_of(connection), gone)
        _count_children(connection, -1, top.parent)
    dropped: list[Asset] = []
    for level in reversed(levels):  # children before their parents
        for batch in batches(level):
            dropped += drop_sources(connection, batch)
            connection.execute(delete(revisions).where(revisions.c.node.in_(batch)))
            connection.execute(delete(entries).where(entries.c.parent.in_(batch)))
            connection.execute(delete(nodes).where(nodes.c.id.in_(batch)))
    return dropped


def _below(connection: Connection, top: Node) -> list[list[int]]:
    """The ids of a node and of all below it, level by level."""
    levels = [[top.id]]
    while levels[-1]:
        found: list[int] = []
        for batch in batches(levels[-1]):
            found += connection.execute(select(nodes.c.id).where(nodes.c.parent.in_(batch))).scalars()
        levels.append(found)
    return levels[:-1]
