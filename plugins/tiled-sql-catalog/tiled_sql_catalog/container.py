"""Containers of a catalog, as the kernel asks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

from msgspec import structs

from tiled_sql_catalog.content import text_of
from tiled_sql_catalog.dialects import is_memory
from tiled_sql_catalog.leaves import FileContainer, Leaf
from tiled_sql_catalog.node import Catalog, CatalogNode, SourceBatch
from tiled_sql_catalog.pages import Page
from tiled_sql_catalog.records import Node
from tiled_sql_catalog.sight import in_catalog
from tiled_sql_catalog.store import Search, Store
from tiled_sql_catalog.vault import has_room
from tiledkernel.access.sight import Sight
from tiledkernel.errors import KernelError, NotAllowed, NotReady, UnsupportedQuery
from tiledkernel.nodes.protocols import DataSource, Words
from tiledkernel.nodes.sorting import SortKey
from tiledkernel.nodes.writing import Draft
from tiledkernel.queries import KeyLookup, KeysFilter

FEASIBLE = 100_000  # children that the server looks at for a query that the index cannot answer
BATCH = 1000


class CatalogContainer(CatalogNode):
    """A container: its own row as it was when it was reached, its children as they are at each moment.

    With a search or an order it is a view of the same container.
    """

    live: bool = False  # whether it outlives a request, as the root does, and so has to look at its own row anew

    family: str = "container"
    sorting: ClassVar[tuple[dict[str, Any], ...]] = ({"key": "", "direction": 1},)

    def __init__(
        self,
        catalog: Catalog,
        row: Node,
        batch: SourceBatch | None = None,
        search: Search | None = None,
        order: Sequence[SortKey] = (),
    ) -> None:
        super().__init__(catalog, row, batch)
        self._search = search
        self._order = tuple(order)

    @property
    def store(self) -> Store:
        """Where all nodes are."""
        return self.catalog.store

    @property
    def row(self) -> Node:
        """The container's own row."""
        return self.store.fresh(self._row) if self.live else self._row

    @property
    def access_tags(self) -> frozenset[str] | None:
        """What an access policy goes by; of a root without tags it has nothing to say."""
        tags = super().access_tags
        return None if self.live and not tags else tags

    @property
    def found(self) -> Search:
        """The search that this is a view of; all visible children if it is none."""
        return self._search or self.store.search(self._row, visible=self.catalog.visible)

    def seen(self, sight: Sight | None) -> CatalogContainer | None:
        """The same container as somebody sees it, or as it is for None; None if each child must be asked about."""
        own = None if sight is None else in_catalog(sight)
        if sight is not None and own is None:
            return None
        view = CatalogContainer(structs.replace(self.catalog, sight=own), self.row, None, None, self._order)
        view.live = self.live
        return view

    def keys(self) -> Iterator[str]:
        """The keys in order, page by page."""
        for row in self._rows():
            yield row.key

    def __iter__(self) -> Iterator[str]:
        return self.keys()

    def __len__(self) -> int:
        if self._search is not None:
            return self.store.count(self._search)
        if not self.catalog.visible:
            return self.row.children
        return self.store.count(self.found) if self.live else self._together.count(self._row)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._child(key) is not None

    def __getitem__(self, key: str) -> Any:
        """The node of a child; KeyError if there is none, or none among what was searched for."""
        found = self._child(key)
        if found is None:
            raise KeyError(key)
        return self.as_node(found)

    def as_node(self, row: Node, batch: SourceBatch | None = None) -> CatalogNode:
        """What the kernel takes for a row."""
        if row.family != self.family:
            return Leaf(self.catalog, row, batch)
        return (FileContainer if row.sources else CatalogContainer)(self.catalog, row, batch)

    def reach(self, keys: Sequence[str]) -> tuple[Any, int]:
        """The node to which most of some keys lead, and how many these are; found in one statement, if all do."""
        if self.catalog.sight is not None:
            return self._reach_seen(self.catalog.sight.sight, keys)
        row, depth = self.store.deepest(self._row, keys)
        return (self.as_node(row), depth) if depth else (self, 0)

    def _reach_seen(self, sight: Sight, keys: Sequence[str]) -> tuple[Any, int]:
        """The same, where every node on the way has to be visible."""
        found: Any = self
        depth = 0
        for row in self.store.along(self._row, keys):
            node = self.as_node(row)
            if not sight.admits(node):
                break
            found, depth = node, depth + 1
        return found, depth

    def words(self) -> Words | None:
        """What it says of itself, as JSON; None of a view, which has children of its own."""
        return None if self._search else self._words(self.family, len(self))

    def page(self, *, after: bytes | None = None, offset: int = 0, limit: int = 100) -> tuple[list[Any], bytes | None]:
        """Children after those that a token stands for, with their keys; and the token of what follows them."""
        found = self._page(after, offset, limit)
        batch = SourceBatch(self.catalog, found.nodes)
        return [(row.key, self.as_node(row, batch)) for row in found.nodes], found.following

    def deep_page(
        self, queries: Sequence[Any], *, depth: int, after: bytes | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[list[tuple[tuple[str, ...], CatalogNode]], bytes | None] | None:
        """Nodes so many levels below that match, with the keys that lead to them, in the order of insertion."""
        search = self.store.search(self._row, queries, depth=depth, visible=self.catalog.visible)
        if search.left:
            return None
        found = self.store.page(search, after=after, offset=offset, limit=limit)
        batch, trails = SourceBatch(self.catalog, found.nodes), self.store.keys_above(found.nodes, self._row)
        return [(trails[row.id], self.as_node(row, batch)) for row in found.nodes], found.following

    def deep_count(self, queries: Sequence[Any], *, depth: int) -> int | None:
        """How many nodes so many levels below match."""
        search = self.store.search(self._row, queries, depth=depth, visible=self.catalog.visible)
        return None if search.left else self.store.count(search)

    def narrow(self, queries: Sequence[Any]) -> tuple[CatalogContainer, list[Any]]:
        """The view of what matches the queries that the catalog can run, and the queries that are left.

        UnsupportedQuery if some are left, and there are too many children to look at.
        """
        search = self.store.narrow(self.found, queries)
        left = list(search.left)
        view = self._view(Search(search.selection), self._order)
        costly = [query for query in left if not isinstance(query, (KeyLookup, KeysFilter))]
        if costly and len(view) > FEASIBLE:
            raise UnsupportedQuery(
                f"the query {costly[0].name!r} is not supported on this node: its index cannot answer it, and more "
                f"than {FEASIBLE} children would have to be looked at: narrow the search with other queries"
            )
        return view, left

    def ordered(self, order: Sequence[SortKey]) -> CatalogContainer:
        """The view in this order."""
        return self._view(self._search, order)

    def distinct(
        self, metadata: Sequence[str], *, structure_families: bool, specs: bool, counts: bool
    ) -> dict[str, Any]:
        """The summary of `tiledkernel.nodes.distinct`."""
        return self.store.distinct(
            self.found, metadata, structure_families=structure_families, specs=specs, counts=counts
        )

    # Changing

    def create(self, drafts: Sequence[Draft]) -> list[CatalogNode]:
        """New children, all or none, with room for their data; Conflict if a key is taken."""
        placed = self.catalog.vault.with_room(self.catalog.admitted(drafts))
        try:
            rows = self.store.create_many(self._row, placed)
        except KernelError as error:
            if not isinstance(error, NotReady):  # where the commit may have come through, what is left is swept
                self.catalog.vault.clear(placed)
            raise
        self._clear_repeated(placed, rows)
        batch = SourceBatch(self.catalog, rows)
        return [self.as_node(row, batch) for row in rows]

    def _clear_repeated(self, placed: Sequence[Draft], rows: Sequence[Node]) -> None:
        """Remove the room of those that had been made before, by an attempt of which the maker heard nothing."""
        made = [(draft, row) for draft, row in zip(placed, rows, strict=True) if draft.token and has_room(draft)]
        if not made:
            return
        found = self.store.data_sources(*(row for _, row in made))
        unused = [
            draft
            for draft, row in made
            if {*map(_place_of, draft.data_sources)} != {*map(_place_of, found.get(row.id, ()))}
        ]
        self.catalog.vault.clear(unused)

    def delete(self, *, recursive: bool = False, external_only: bool = True, version: int | None = None) -> None:
        """Delete it; Conflict if it is not empty, or data would be lost, and that is not allowed."""
        if self.live:
            raise NotAllowed("the root of a catalog cannot be deleted: delete what is in it")
        super().delete(recursive=recursive, external_only=external_only, version=version)

    # inside

    def _view(self, search: Search | None, order: Sequence[SortKey]) -> CatalogContainer:
        return CatalogContainer(self.catalog, self.row, self._batch, search, order)

    def _with(self, row: Node) -> Self:
        changed = super()._with(row)
        changed.live = self.live
        return changed

    def _page(self, after: bytes | None, offset: int, limit: int) -> Page:
        return self.store.page(self.found, self._order, after=after, offset=offset, limit=limit)

    def _rows(self) -> Iterator[Node]:
        after: bytes | None = None
        while True:
            page = self._page(after, 0, BATCH)
            yield from page.nodes
            after = page.following
            if after is None:
                return

    def _child(self, key: str) -> Node | None:
        sight = self.catalog.sight
        if self._search is None:
            row = self.store.child(self._row, key)
            return row if row is None or sight is None or sight.sight.admits(self.as_node(row)) else None
        found = self.store.page(self.store.narrow(self._search, [KeyLookup(key)]), limit=1).nodes
        return found[0] if found else None

    def close(self) -> None:
        """Close the connections to the database and to those of tables; a later question opens new ones.

        A database in memory is its connection, and so goes with the last of its catalogs.
        """
        self.catalog.vault.close()
        if not is_memory(self.store.database.url):
            self.store.database.close()

    def __repr__(self) -> str:
        return f"<CatalogContainer {self.key!r}>"


def _place_of(source: DataSource) -> tuple[frozenset[str], str]:
    """What tells where data rest from where others do; many may share a database."""
    return frozenset(asset.data_uri for asset in source.assets), text_of(source.parameters)
