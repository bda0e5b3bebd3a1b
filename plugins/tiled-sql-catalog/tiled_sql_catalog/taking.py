"""Row by row, what a catalog of Tiled holds becomes what a catalog of ours holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select, update

from tiled_sql_catalog.assets import digest_of
from tiled_sql_catalog.batch import Batch
from tiled_sql_catalog.content import text_of
from tiled_sql_catalog.dialects import dialect_of
from tiled_sql_catalog.entries import entries_of, specs_text
from tiled_sql_catalog.paths import ROOT_PATH, check_key, child_path
from tiled_sql_catalog.records import Node
from tiled_sql_catalog.schema import ROOT, assets, associations, data_sources, nodes, revisions
from tiled_sql_catalog.sources import MANAGEMENTS, load_sources
from tiled_sql_catalog.statements import Among
from tiled_sql_catalog.tiled_tables import OldCatalog, OldNode, OldSource
from tiledkernel import wire
from tiledkernel.errors import ConfigurationError, Unprocessable
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.specs import Spec

Progress = Callable[[int, int], None]
SHIFT = 1  # a node's id is by so much more than it was: the old root's is 0
LONGEST_KEY = 2600  # bytes: more than an index of PostgreSQL takes
_EXAMPLES = 5
_OF_FILE = re.compile(r"(file://(?:localhost)?)(/.*)", re.DOTALL)
_specs = msgspec.json.Decoder(tuple[Spec, ...])
_paths = Among(nodes.c.id, select(nodes.c.id, nodes.c.path))
_node_ids = Among(nodes.c.id, select(nodes.c.id))
_source_ids = Among(data_sources.c.id, select(data_sources.c.id))


class Left(Struct, frozen=True):
    """What was not taken over as it was: how much of it, why, and some of it."""

    what: str
    count: int
    reason: str
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = ", ..." if self.count > len(self.examples) else ""
        shown = f" ({', '.join(self.examples)}{more})" if self.examples else ""
        return f"{self.count} {self.what}: {self.reason}{shown}"


class Report(Struct, frozen=True):
    """How many rows were taken over, by what they are; and what was not, or not as it was."""

    taken: dict[str, int]
    left: tuple[Left, ...]

    def __str__(self) -> str:
        taken = ", ".join(f"{count} {what}" for what, count in self.taken.items())
        return "\n".join([f"taken over: {taken}", *(f"not as it was: {left}" for left in self.left)])


class Notes:
    """What was met that cannot be taken over as it is."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[int, list[str]]] = {}

    def add(self, what: str, reason: str, example: str | None = None, *, count: int = 1) -> None:
        """Note one thing, or several of them."""
        before, examples = self._found.get((what, reason), (0, []))
        if example is not None and len(examples) < _EXAMPLES:
            examples.append(repr(example[:200]))
        self._found[what, reason] = before + count, examples

    def left(self) -> tuple[Left, ...]:
        """Everything, in the order in which it was first met."""
        return tuple(
            Left(what, count, reason, tuple(examples)) for (what, reason), (count, examples) in self._found.items()
        )


def take(old: OldCatalog, connection: Connection, notes: Notes, on_progress: Progress) -> dict[str, int]:
    """Take over everything into an empty catalog; how many rows, by what they are."""
    if connection.execute(select(nodes.c.id).where(nodes.c.id != ROOT).limit(1)).first() is not None:
        raise ConfigurationError(
            "the catalog that is to take over another one is not empty: make a new one, or delete what is in it"
        )
    taking = _Taking(old, connection, notes)
    taken = {"nodes": taking.nodes(on_progress), "revisions": taking.revisions(), "data sources": taking.sources()}
    taken["assets"] = taking.assets()
    taking.associations()
    taking.finish()
    return taken


class _Taking:
    """One attempt, inside a transaction of the new catalog."""

    def __init__(self, old: OldCatalog, connection: Connection, notes: Notes) -> None:
        self._old = old
        self._connection = connection
        self._dialect = dialect_of(connection)
        self._notes = notes
        self._complete = True  # whether all nodes are there

    def nodes(self, on_progress: Progress) -> int:
        """Nodes after their parents, which usually were made before them; else it takes more than one look."""
        total, done = self._old.count("nodes"), 0
        again = False
        while done < total:
            before = done
            for piece in self._old.nodes():
                done += self._store_piece(self._missing(piece) if again else piece)
                on_progress(done, total)
            if done == before:
                self._note_missing()
                break
            again = True
        return done

    def _missing(self, piece: Sequence[OldNode]) -> list[OldNode]:
        there = self._there(node.id for node in piece)
        return [node for node in piece if node.id not in there]

    def _there(self, old_ids: Iterable[int]) -> set[int]:
        """The old ids of those nodes that are there by now."""
        return {row[0] - SHIFT for row in _node_ids(self._connection, [identity + SHIFT for identity in old_ids])}

    def _note_missing(self) -> None:
        self._complete = False
        for piece in self._old.nodes():
            for node in self._missing(piece):
                reason = "their parents are missing" if _has_room(node.key) else "no database has room for their keys"
                self._notes.add("nodes with all that belongs to them", reason, f"{node.id}: {node.key}")

    def _store_piece(self, piece: Sequence[OldNode]) -> int:
        """Store those nodes whose parents are there; how many these are."""
        if not piece:
            return 0
        first, last = piece[0].id, piece[-1].id
        tags, counts = self._old.tags(first, last), self._old.source_counts(first, last)
        revised = self._old.last_revisions(first, last)
        parents = {node.parent + SHIFT for node in piece if node.parent is not None}
        paths = {row[0]: bytes(row[1]) for row in _paths(self._connection, parents)}
        batch, taken = Batch(), 0
        for old in piece:
            path = _path(old, paths)
            if path is None:
                continue
            paths[old.id + SHIFT] = path
            node = self._node(old, path, tags.get(old.id), counts.get(old.id, 0))
            if node.id == ROOT:
                self._replace_root(node, revised.get(old.id, 0))
            else:
                batch.add(node, _entries(node), revised=revised.get(old.id, 0))
            taken += 1
        batch.store(self._connection, self._dialect)
        return taken

    def _node(self, old: OldNode, path: bytes, tags: list[str] | None, sources: int) -> Node:
        metadata, specs = self._content(old.metadata, old.specs, f"{old.id}: {old.key}")
        parent = None if old.parent is None else old.parent + SHIFT
        if parent is not None:
            try:
                check_key(old.key)
            except Unprocessable:
                self._notes.add("keys", "a key like this can be no part of an address", old.key)
        return Node(
            id=old.id + SHIFT, parent=parent, key=old.key, path=path, family=old.family, metadata_text=metadata,
            specs_text=specs, tags_text=None if tags is None else text_of(tags), children=0, version=1,
            created=old.created, updated=old.updated, sources=sources,
        )  # fmt: skip

    def _content(self, metadata: str, specs: str, whose: str) -> tuple[str, str]:
        """Metadata and specs as they are stored here."""
        found = self._object(metadata, "metadata", whose)
        try:
            known = _specs.decode(specs)
        except msgspec.DecodeError:
            self._notes.add("lists of specs", "they cannot be read", whose)
            known = ()
        return text_of(found), specs_text(known)

    def _object(self, text: str | None, what: str, whose: str) -> dict[str, Any]:
        """A JSON object; an empty one, with a note, if the text is none."""
        try:
            found = {} if text is None else self._value(text, what, whose)
            if isinstance(found, dict):
                return found
            if found is not None:
                self._notes.add(what, "they are no JSON object", whose)
        except (ValueError, RecursionError):
            self._notes.add(what, "they cannot be read", whose)
        return {}

    def _value(self, text: str, what: str, whose: str) -> Any:
        """Any JSON; a number that JSON has no room for becomes null, with a note."""
        try:
            return wire.decode_json(text)
        except msgspec.DecodeError:
            found = wire.decode_json(text_of(json.loads(text)))
            self._notes.add(what, "numbers that JSON has no room for became null", whose)
            return found

    def _replace_root(self, root: Node, revised: int) -> None:
        content = {
            "metadata": root.metadata_text, "specs": root.specs_text, "access_tags": root.tags_text, "revised": revised,
            "created": root.created, "updated": root.updated, "sources": root.sources,
        }  # fmt: skip
        self._connection.execute(update(nodes).where(nodes.c.id == ROOT).values(**content))

    def revisions(self) -> int:
        """What nodes were before."""
        names, count = ("node", "number", "metadata", "specs", "updated"), 0
        for piece in self._old.revisions():
            there = self._nodes_among(revision.node for revision in piece)
            rows = [
                (old.node + SHIFT, old.number, *self._content(old.metadata, old.specs, str(old.id)), old.updated)
                for old in piece
                if old.node in there
            ]
            self._dialect.load(self._connection, revisions, names, rows, "")
            count += len(rows)
        return count

    def _nodes_among(self, old_ids: Iterable[int]) -> set[int]:
        return set(old_ids) if self._complete else self._there(set(old_ids))

    def sources(self) -> int:
        """Data sources, under their ids."""
        count = 0
        for piece in self._old.sources():
            there = self._nodes_among(source.node for source in piece)
            kept = [source for source in piece if source.node in there]
            found = [(old.node + SHIFT, self._source(old)) for old in kept]
            load_sources(self._connection, self._dialect, [old.id for old in kept], found)
            count += len(found)
        return count

    def _source(self, old: OldSource) -> DataSource:
        whose, management = str(old.id), old.management
        if management not in MANAGEMENTS:
            self._notes.add("data sources", f"managed in no known way, so taken for {MANAGEMENTS[0]!r}", whose)
            management = MANAGEMENTS[0]
        return DataSource(
            structure_family=old.family,
            structure=None if old.structure is None else self._value(old.structure, "structures", whose),
            id=old.id,
            mimetype=old.media_type,
            parameters=self._object(old.parameters, "parameters of data sources", whose),
            properties=self._object(old.properties, "properties of data sources", whose),
            management=management,
        )

    def assets(self) -> int:
        """Files, under their ids."""
        names, count = ("id", "digest", "uri", "is_directory", "size"), 0
        for piece in self._old.assets():
            found = [(old, _proper(old.uri)) for old in piece if old.uri is not None]
            rows = [(old.id, digest_of(uri), uri, old.is_directory, old.size) for old, uri in found]
            if len(rows) < len(piece):
                self._notes.add("assets", "they have no URI", count=len(piece) - len(rows))
            self._dialect.load(self._connection, assets, names, rows, "")
            count += len(rows)
        return count

    def associations(self) -> None:
        """Which data sources need which files."""
        names = ("data_source", "asset", "parameter", "num")
        for piece in self._old.associations():
            rows = piece
            if not self._complete:
                there = {row[0] for row in _source_ids(self._connection, {row[0] for row in piece})}
                rows = [row for row in piece if row[0] in there]
            self._dialect.load(self._connection, associations, names, rows, "")

    def finish(self) -> None:
        """Count children, and let new ids follow those that were taken over."""
        child = nodes.alias("child")
        number = select(func.count()).select_from(child).where(child.c.parent == nodes.c.id).scalar_subquery()
        filled = nodes.c.id.in_(select(child.c.parent).where(child.c.parent.is_not(None)))
        self._connection.execute(update(nodes).where(filled).values(children=number))
        for table in (nodes, data_sources, assets):
            self._dialect.settle(self._connection, table)


def _proper(uri: str) -> str:
    """A URI of a file as RFC 3986 has it: Tiled puts the path into it as it is, signs of percent and all."""
    found = _OF_FILE.match(uri)
    return uri if found is None else found[1] + quote(found[2])


def _path(old: OldNode, paths: dict[int, bytes]) -> bytes | None:
    """Where a node goes; None if its parent is not there yet, or there is no place for it."""
    if old.parent is None:
        return ROOT_PATH if old.id + SHIFT == ROOT else None
    above = paths.get(old.parent + SHIFT)
    return None if above is None or not _has_room(old.key) else child_path(above, old.key)


def _has_room(key: str) -> bool:
    return "\0" not in key and len(key.encode("utf-8", "surrogatepass")) <= LONGEST_KEY


def _entries(node: Node) -> Any:
    return entries_of(node.metadata, node.family, node.specs, node.access_tags, bounded=False)
