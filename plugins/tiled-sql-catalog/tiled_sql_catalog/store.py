"""A catalog as a library: look up, search, list, summarise and change nodes.

Every method may be called from any thread. Those that change something return once the change is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import starmap, takewhile
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import Connection, bindparam, delete, func, select

from tiled_sql_catalog import sources, summaries, writing
from tiled_sql_catalog.conditions import Condition, Selection
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.kept_below import kept_elsewhere
from tiled_sql_catalog.orders import Order
from tiled_sql_catalog.pages import Listing, Page, PlainListing
from tiled_sql_catalog.partial import Partial
from tiled_sql_catalog.paths import MAX_SEGMENTS, ROOT_PATH, child_path, paths_to
from tiled_sql_catalog.queries import split
from tiled_sql_catalog.records import COLUMNS, Node
from tiled_sql_catalog.schema import nodes, revisions
from tiled_sql_catalog.scopes import Scope
from tiled_sql_catalog.shapes import Shape, Shapes
from tiled_sql_catalog.statements import Statement
from tiledkernel.errors import NotFound, UnsupportedQuery
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.sorting import SortKey
from tiledkernel.nodes.writing import Change, Draft, Revision
from tiledkernel.specs import Spec

MAX_PARTIALS = 500  # sets of visible nodes of which statements are kept


class Search(Struct, frozen=True):
    """What is found in a container: the conditions that the catalog checks, and queries that it cannot."""

    selection: Selection
    left: tuple[Any, ...] = ()


class Store:
    """The nodes of one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._by_path = Statement(database, select(*COLUMNS).where(nodes.c.path == bindparam("path")), "path")
        self._by_paths: dict[int, Statement] = {}
        self._partials: dict[tuple[Condition, ...], Partial] = {}
        self._plain = PlainListing(database)
        self._shapes = Shapes()

    # Finding

    def root(self) -> Node:
        """The node that all others are below."""
        return self.at(ROOT_PATH)

    def at(self, path: bytes) -> Node:
        """The node at a place; NotFound if there is none."""
        found = self._at(path)
        if found is None:
            raise NotFound("no such node in the catalog")
        return found

    def look_up(self, top: Node, keys: Sequence[str]) -> Node | None:
        """The node that is so many keys below another one, found in one statement; None if there is none."""
        path = top.path
        for path in paths_to(top.path, keys):  # noqa: B007 - the last one counts
            pass
        return self._at(path)

    def deepest(self, top: Node, keys: Sequence[str]) -> tuple[Node, int]:
        """The node to which most of the keys lead, and how many these are: the others lead into a file."""
        paths = list(paths_to(top.path, keys[:MAX_SEGMENTS]))
        found = self._at(paths[-1]) if paths else top
        if found is not None:
            return found, len(paths)
        with self.database.reading() as connection:
            rows = connection.execute(select(nodes.c.path).where(nodes.c.path.in_(paths))).scalars()
            known = {bytes(path) for path in rows}
        depth = max((number + 1 for number, path in enumerate(paths) if path in known), default=0)
        return (self.at(paths[depth - 1]), depth) if depth else (top, 0)

    def child(self, parent: Node, key: str) -> Node | None:
        """The child with this key; None if there is none."""
        return self._at(child_path(parent.path, key))

    def _at(self, path: bytes) -> Node | None:
        row = self._by_path.first(path)
        return None if row is None else Node(*row)

    def fresh(self, node: Node) -> Node:
        """A node as it is now; NotFound if it is gone."""
        found = self._at(node.path)
        if found is None or found.id != node.id:
            raise NotFound(f"{node.key!r} is gone: it was deleted")
        return found

    def keys_above(self, found: Iterable[Node], top: Node) -> dict[int, tuple[str, ...]]:
        """For each node the keys that lead to it from a node above."""
        trails: dict[int, tuple[str, ...]] = {top.id: ()}
        missing = {node.parent for node in found} - {None, top.id}
        above: dict[int, tuple[str, int | None]] = {}
        with self.database.reading() as connection:
            while missing:
                columns = select(nodes.c.id, nodes.c.key, nodes.c.parent).where(nodes.c.id.in_(missing))
                rows = {row.id: (row.key, row.parent) for row in connection.execute(columns)}
                above.update(rows)
                missing = {parent for _, parent in rows.values()} - above.keys() - {None, top.id}

        def trail(identity: int | None) -> tuple[str, ...]:
            if identity is None or identity not in above:
                return ()
            if identity not in trails:
                key, parent = above[identity]
                trails[identity] = (*trail(parent), key)
            return trails[identity]

        return {node.id: (*trail(node.parent), node.key) for node in found}

    # Searching

    def search(
        self, parent: Node, queries: Sequence[Any] = (), *, depth: int = 1, visible: Sequence[Condition] = ()
    ) -> Search:
        """The children of a container that match queries; with a `depth`, all nodes so many levels below it.

        Nothing is found that does not meet the conditions in `visible`, nor what lies below it.
        """
        scope = Scope(parent.id, min(depth, MAX_SEGMENTS), tuple(visible))
        if not queries:
            return Search(Selection(scope))
        with self.database.reading() as connection:
            conditions, left = split(connection, scope, queries)
        return Search(Selection(scope, tuple(conditions)), tuple(left))

    def narrow(self, search: Search, queries: Sequence[Any]) -> Search:
        """What also matches these queries."""
        with self.database.reading() as connection:
            conditions, left = split(connection, search.selection.scope, queries)
        return Search(search.selection.also(*conditions), (*search.left, *left))

    def page(
        self,
        search: Search,
        order: Sequence[SortKey] = (),
        *,
        after: bytes | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Page:
        """`limit` of the nodes found, in order, after those that a token from another page stands for."""
        selection, complete = _whole(search), Order.of(order)
        if selection.scope.is_flat and not selection.conditions and complete.is_natural and limit:
            scope = selection.scope
            partial = self._partial(scope.visible)
            if partial is not None or not scope.visible:
                listing = self._plain if partial is None else partial.listing
                return listing.page(scope.root, complete, after, limit, offset)
        with self.database.reading() as connection:
            return Listing(connection).page(selection, complete, after, limit, offset)

    def count(self, search: Search) -> int:
        """How many nodes are found."""
        selection = _whole(search)
        scope = selection.scope
        if scope.is_flat and not selection.conditions and (partial := self._partial(scope.visible)) is not None:
            return partial.counts([scope.root]).get(scope.root, 0)
        with self.database.reading() as connection:
            return Listing(connection).count(selection)

    def counts(self, containers: Sequence[Node], visible: tuple[Condition, ...]) -> dict[int, int]:
        """How many children containers have that meet the conditions in `visible`, by the ids of the containers."""
        if (partial := self._partial(visible)) is not None:
            return partial.counts([node.id for node in containers])
        with self.database.reading() as connection:
            listing = Listing(connection)
            return {node.id: listing.count(Selection(Scope(node.id, visible=visible))) for node in containers}

    def _partial(self, visible: tuple[Condition, ...]) -> Partial | None:
        """What lists and counts visible children with statements of its own; None if nothing does, or all are."""
        if not visible or not all(condition.swift for condition in visible):
            return None
        found = self._partials.get(visible)
        if found is None:
            if len(self._partials) >= MAX_PARTIALS:
                self._partials.clear()
            found = self._partials[visible] = Partial(self.database, visible)
        return found

    def along(self, top: Node, keys: Sequence[str]) -> list[Node]:
        """The nodes to which the first key, the first two ... lead from a node, as far as there are such."""
        paths = list(paths_to(top.path, keys[:MAX_SEGMENTS]))
        if not paths:
            return []
        found = {bytes(node.path): node for node in starmap(Node, self._on_the_way(len(paths)).all(*paths))}
        return list(takewhile(bool, map(found.get, paths)))  # type: ignore[arg-type] # None ends it

    def _on_the_way(self, length: int) -> Statement:
        """Finds the nodes at so many places."""
        if length not in self._by_paths:
            names = [f"path{number}" for number in range(length)]
            wanted = select(*COLUMNS).where(nodes.c.path.in_([bindparam(name) for name in names]))
            self._by_paths[length] = Statement(self.database, wanted, *names)
        return self._by_paths[length]

    def distinct(
        self,
        search: Search,
        metadata: Sequence[str] = (),
        *,
        structure_families: bool = False,
        specs: bool = False,
        counts: bool = False,
    ) -> dict[str, Any]:
        """The different values that the nodes found have, in the form of `tiledkernel.nodes.distinct`."""
        selection = _whole(search)
        with self.database.reading() as connection:
            return summaries.distinct(
                connection, selection, metadata, structure_families=structure_families, specs=specs, counts=counts
            )

    # Changing

    def create(  # noqa: PLR0913 - what a node consists of, each with a default
        self,
        parent: Node,
        key: str | None = None,
        *,
        family: str = "container",
        metadata: dict[str, Any] | None = None,
        specs: Sequence[Spec | str] = (),
        access_tags: Sequence[str] | None = None,
        data_sources: Sequence[DataSource] = (),
        token: str | None = None,
    ) -> Node:
        """A new child; with a random key if none is given. Conflict if the key is taken."""
        draft = Draft(
            family=family, key=key, metadata=metadata or {}, specs=specs, access_tags=access_tags,
            data_sources=data_sources, token=token,
        )  # fmt: skip
        return self.create_many(parent, [draft])[0]

    def create_many(self, parent: Node, drafts: Sequence[Draft]) -> list[Node]:
        """New children, all of them or none."""
        dialect = self.database.dialect
        return self.database.write(lambda connection: writing.create(connection, dialect, parent.id, drafts))

    def change(self, node: Node, make: Callable[[Node], Change]) -> Node:
        """The node after what `make` wants of the state that it is in at that moment; it may be called again."""
        return self.database.write(lambda connection: writing.change(connection, node.id, make))

    def replace(self, node: Node, change: Change) -> Node:
        """The node with other metadata, specs or tags; what the change leaves out stays."""
        return self.change(node, lambda _: change)

    def delete(
        self, node: Node, *, recursive: bool = False, external_only: bool = True, version: int | None = None
    ) -> list[DataSource]:
        """Delete a node; the data that the server kept for it, which can be removed now."""

        def work(connection: Connection) -> list[DataSource]:
            elsewhere = [] if external_only else kept_elsewhere(connection, node.id)
            files = writing.remove(
                connection, node.id, recursive=recursive, external_only=external_only, version=version
            )
            own = [asset for asset in files if asset.data_uri.startswith("file:")]
            return [*elsewhere, *([DataSource(structure_family="", structure=None, assets=tuple(own))] if own else ())]

        return self.database.write(work)

    def claim(self, node: Node, version: int) -> None:
        """Count the version of a node up; PreconditionFailed if it is another one."""

        def work(connection: Connection) -> None:
            writing.check_version(writing.locked(connection, node.id), version)
            writing.touch(connection, node.id)

        self.database.write(work)

    # Data sources

    def data_sources(self, *found: Node) -> dict[int, list[DataSource]]:
        """The data sources of nodes, by the nodes' ids."""
        with self.database.reading() as connection:
            return sources.sources_of(connection, [node.id for node in found])

    def shapes(self, *found: Node) -> dict[int, Shape]:
        """What the data of nodes look like, by the nodes' ids."""
        with self.database.reading() as connection:
            return self._shapes.of(connection, [node.id for node in found])

    def exchange_source(self, node: Node, source: DataSource) -> list[Asset]:
        """Describe a data source anew, with these assets and no others; the assets that nobody needs any more."""
        dialect = self.database.dialect

        def work(connection: Connection) -> list[Asset]:
            writing.locked(connection, node.id)
            dropped = sources.exchange_source(connection, dialect, node.id, source)
            writing.touch(connection, node.id)
            return dropped

        return self.database.write(work)

    def detach_asset(self, node: Node, asset: int) -> Asset | None:
        """Take an asset from a node; the asset if nobody else has it."""

        def work(connection: Connection) -> Asset | None:
            writing.locked(connection, node.id)
            dropped, _ = sources.detach_asset(connection, node.id, asset)
            writing.touch(connection, node.id)
            return dropped

        return self.database.write(work)

    def replace_data_source(self, node: Node, source: DataSource, *, version: int | None = None) -> Node:
        """The node with one of its data sources described anew; NotFound if it has none with that id."""
        dialect = self.database.dialect

        def work(connection: Connection) -> Node:
            writing.check_version(writing.locked(connection, node.id), version)
            sources.replace_source(connection, dialect, node.id, source)
            return writing.touch(connection, node.id)

        return self.database.write(work)

    # Revisions

    def revisions(self, node: Node, *, offset: int = 0, limit: int = 100) -> tuple[list[Revision], int]:
        """What a node was before, oldest first, and how many revisions there are."""
        mine = revisions.c.node == node.id
        with self.database.reading() as connection:
            rows = connection.execute(
                select(revisions).where(mine).order_by(revisions.c.number).offset(offset).limit(limit)
            ).all()
            count = connection.execute(select(func.count()).select_from(revisions).where(mine)).scalar_one()
        return [_revision(node, row) for row in rows], count

    def delete_revision(self, node: Node, number: int) -> None:
        """Forget a revision; NotFound if there is none of that number."""
        statement = delete(revisions).where(revisions.c.node == node.id, revisions.c.number == number)
        if not self.database.write(lambda connection: connection.execute(statement).rowcount):
            raise NotFound(f"{node.key!r} has no revision {number}")


def _whole(search: Search) -> Selection:
    """The selection of a search that the catalog can run wholly; UnsupportedQuery names what it cannot."""
    if search.left:
        names = ", ".join(sorted({repr(query.name) for query in search.left}))
        raise UnsupportedQuery(f"the query {names} is not supported by the catalog's index")
    return search.selection


def _revision(node: Node, row: Any) -> Revision:
    state = structs.replace(
        node, metadata_text=row.metadata, specs_text=row.specs, tags_text=row.access_tags, updated=row.updated
    )
    return Revision(row.number, state.metadata, state.specs, state.access_tags, state.updated)
