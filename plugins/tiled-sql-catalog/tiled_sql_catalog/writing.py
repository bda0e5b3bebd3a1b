"""Changes of the tree. Each function runs inside a transaction, and raises before anything is half done."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import Connection, delete, insert, select, update

from tiled_sql_catalog.dialects import Dialect
from tiled_sql_catalog.entries import Entry, entries_of, specs_text
from tiled_sql_catalog.errors import Conflict, PreconditionFailed
from tiled_sql_catalog.paths import check_key, child_path
from tiled_sql_catalog.records import COLUMNS, Draft, Node
from tiled_sql_catalog.schema import ROOT, entries, nodes, revisions
from tiled_sql_catalog.sources import add_source, batches, drop_sources, internal_below, text_of
from tiled_sql_catalog.times import now
from tiledkernel import wire
from tiledkernel.errors import BadRequest, NotAllowed, NotFound, Unprocessable
from tiledkernel.nodes.protocols import Asset
from tiledkernel.specs import MAX_LENGTH, MAX_SPECS, Spec, as_spec

MAX_METADATA = 16 * 2**20  # bytes of JSON
MAX_TAGS = 1000
MAX_TEXT = 255  # characters of a family, a tag or a token


class Content(Struct, frozen=True):
    """What can be changed about a node, checked, and as it is stored."""

    metadata: dict[str, Any]
    metadata_text: str
    specs: tuple[Spec, ...]
    access_tags: frozenset[str] | None

    @property
    def row(self) -> dict[str, Any]:
        """The columns of a node, or of a revision."""
        tags = None if self.access_tags is None else text_of(sorted(self.access_tags))
        return {"metadata": self.metadata_text, "specs": specs_text(self.specs), "access_tags": tags}


class Change(Struct, frozen=True, kw_only=True):
    """A new state of a node; what is None stays. `version` is the one that the caller knows, if it matters."""

    metadata: Mapping[str, Any] | None = None
    specs: Sequence[Spec | str] | None = None
    access_tags: Iterable[str] | None = None
    drop_revision: bool = False
    version: int | None = None


def content_of(metadata: Mapping[str, Any], specs: Sequence[Spec | str], access_tags: Iterable[str] | None) -> Content:
    """Checked content; Unprocessable names what is wrong."""
    try:
        text = text_of(metadata)
        decoded = wire.decode_json(text)
    except (RecursionError, ValueError):  # ValueError: a number that JSON has no room for
        raise Unprocessable("these metadata cannot be stored: they are nested too deeply", "body", "metadata") from None
    if len(text) > MAX_METADATA:
        raise Unprocessable(
            f"these metadata take {len(text)} characters of JSON, more than {MAX_METADATA}: store data as data",
            "body", "metadata",
        )  # fmt: skip
    return Content(decoded, text, _checked_specs(specs), _checked_tags(access_tags))


def _checked_specs(specs: Sequence[Spec | str]) -> tuple[Spec, ...]:
    found = tuple(as_spec(spec) for spec in specs)
    if len(found) > MAX_SPECS:
        raise Unprocessable(f"{len(found)} specs are too many: at most {MAX_SPECS} are taken", "body", "specs")
    if len({spec.name for spec in found}) < len(found):
        raise Unprocessable("a spec is given twice: give each name once", "body", "specs")
    for spec in found:
        if not 0 < len(spec.name) <= MAX_LENGTH or len(spec.version or "") > MAX_LENGTH:
            raise Unprocessable(
                f"{spec.name[:80]!r} can be no spec: names and versions have 1 to {MAX_LENGTH} characters",
                "body", "specs",
            )  # fmt: skip
    return found


def _checked_tags(tags: Iterable[str] | None) -> frozenset[str] | None:
    if tags is None:
        return None
    found = frozenset(tags)
    if len(found) > MAX_TAGS:
        raise Unprocessable(f"{len(found)} tags are too many: at most {MAX_TAGS} are taken", "body", "access_tags")
    for tag in found:
        check_text(tag, "access_tags")
    return found


def check_text(text: str, *where: str) -> str:
    """A short text that any database can store; Unprocessable if it is none."""
    if len(text) > MAX_TEXT or "\0" in text or not text.isprintable():
        raise Unprocessable(
            f"{text[:80]!a} is not accepted here: expected at most {MAX_TEXT} printable characters", "body", *where
        )
    return text


def create(connection: Connection, dialect: Dialect, parent: int, drafts: Sequence[Draft]) -> list[Node]:
    """New children of a container, in their order; Conflict if a key is taken, unless by the same maker's token."""
    row = connection.execute(
        update(nodes)
        .where(nodes.c.id == parent)
        .values(children=nodes.c.children + len(drafts))
        .returning(nodes.c.path, nodes.c.family)
    ).first()
    if row is None:
        raise NotFound("the container in which to create a node is gone")
    if row.family != "container":
        raise NotAllowed(f"nothing can be created below a node of family {row.family!r}: only in containers")
    made: list[Node] = []
    index: list[tuple[int, int, bytes, int]] = []
    again = 0
    for draft in drafts:
        node, entered = _create(connection, dialect, parent, row.path, draft)
        made.append(node)
        index += [(parent, place, value, node.id) for place, value in entered]
        again += not entered
    if again:
        connection.execute(update(nodes).where(nodes.c.id == parent).values(children=nodes.c.children - again))
    insert_entries(connection, index)
    return made


def _create(
    connection: Connection, dialect: Dialect, parent: int, parent_path: bytes, draft: Draft
) -> tuple[Node, set[Entry]]:
    """A new node with its entries, or the one that this very draft made before."""
    token = None if draft.token is None else check_text(draft.token, "token")
    key = _made_up(token) if draft.key is None else check_key(draft.key)
    path = child_path(parent_path, key)
    existing = connection.execute(select(*COLUMNS).where(nodes.c.path == path)).first()
    if existing is not None:
        node = Node(*existing)
        if token is not None and node.token == token:
            return node, set()
        raise Conflict(f"the key {key!r} is taken: choose another one, or delete what is there")
    content = content_of(draft.metadata, draft.specs, draft.access_tags)
    family = check_text(draft.family, "structure_family")
    if family == "container" and draft.data_sources and not _describes_a_file(draft):
        raise Unprocessable("a container has no data of its own: leave out 'data_sources'", "body", "data_sources")
    entered = entries_of(content.metadata, family, content.specs, content.access_tags)
    moment = now()
    row: dict[str, Any] = {
        "parent": parent, "key": key, "path": path, "family": family, **content.row, "children": 0, "version": 1,
        "created": moment, "updated": moment, "token": token,
    }  # fmt: skip
    identity = connection.execute(insert(nodes).returning(nodes.c.id), row).scalar_one()
    for source in draft.data_sources:
        add_source(connection, dialect, identity, source)
    return Node(identity, *(row[column.name] for column in COLUMNS[1:])), entered


def _describes_a_file(draft: Draft) -> bool:
    """Whether a container is what a registered file holds."""
    return all(source.management == "external" for source in draft.data_sources)


def _made_up(token: str | None) -> str:
    """A random key; the same again for the same token."""
    seed = secrets.token_bytes(16) if token is None else blake2b(token.encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=seed, version=4))


def insert_entries(connection: Connection, index: Sequence[tuple[int, int, bytes, int]]) -> None:
    """Put entries (parent, address, value, node) into the index."""
    if index:
        names = ("parent", "address", "value", "node")
        connection.execute(insert(entries), [dict(zip(names, entry, strict=True)) for entry in sorted(index)])


def _delete_entries(connection: Connection, parent: int, node: int, gone: Iterable[Entry]) -> None:
    for place, value in gone:
        connection.execute(
            delete(entries).where(
                entries.c.parent == parent,
                entries.c.address == place,
                entries.c.value == value,
                entries.c.node == node,
            )
        )


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
        old, new = _entries(before), entries_of(content.metadata, before.family, content.specs, content.access_tags)
        _delete_entries(connection, before.parent, node, old - new)
        insert_entries(connection, [(before.parent, place, value, node) for place, value in new - old])
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
    return entries_of(node.metadata, node.family, node.specs, node.access_tags)


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
        raise Conflict(f"{top.key!r} is not empty: it has {top.children} children; 'recursive' deletes them with it")
    levels = _below(connection, top)
    everything = [identity for level in levels for identity in level]
    if external_only and (kept := internal_below(connection, everything)):
        raise Conflict(
            f"the server keeps the data of {len(kept)} nodes at or below {top.key!r}: 'external_only=false' deletes "
            "these data as well"
        )
    if top.parent is not None:
        _delete_entries(connection, top.parent, node, _entries(top))
        connection.execute(update(nodes).where(nodes.c.id == top.parent).values(children=nodes.c.children - 1))
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
