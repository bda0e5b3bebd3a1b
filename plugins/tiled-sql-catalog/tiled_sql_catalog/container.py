"""Containers of a catalog, as the kernel asks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from tiled_sql_catalog.pages import Page
from tiled_sql_catalog.records import Node
from tiled_sql_catalog.store import Search, Store
from tiledkernel.errors import UnsupportedQuery
from tiledkernel.nodes.sorting import SortKey
from tiledkernel.queries import KeyLookup, KeysFilter
from tiledkernel.specs import Spec

FEASIBLE = 100_000  # children that the server looks at for a query that the index cannot answer
BATCH = 1000

MakeLeaf = Callable[[Node], Any]


class CatalogContainer:
    """A container: its own row as it was when it was reached, its children as they are at each moment.

    With a search or an order it is a view of the same container. `leaf` makes the nodes of all other families.
    """

    live: bool = False  # whether it outlives a request, as the root does, and so has to look at its own row anew

    family: ClassVar[str] = "container"

    def __init__(
        self,
        store: Store,
        node: Node,
        leaf: MakeLeaf,
        search: Search | None = None,
        order: Sequence[SortKey] = (),
    ) -> None:
        self.store = store
        self._node = node
        self._leaf = leaf
        self._search = search
        self._order = tuple(order)

    @property
    def node(self) -> Node:
        """The container's own row."""
        return self.store.fresh(self._node) if self.live else self._node

    @property
    def metadata(self) -> dict[str, Any]:
        """What the owner says about it."""
        return self.node.metadata

    @property
    def specs(self) -> tuple[Spec, ...]:
        """Promises beyond being a container."""
        return self.node.specs

    @property
    def access_tags(self) -> frozenset[str]:
        """What an access policy goes by."""
        return self.node.access_tags or frozenset()

    @property
    def found(self) -> Search:
        """The search that this is a view of; all children if it is none."""
        return self.store.search(self._node) if self._search is None else self._search

    def keys(self) -> Iterator[str]:
        """The keys in order, page by page."""
        for node in self._nodes():
            yield node.key

    def __iter__(self) -> Iterator[str]:
        return self.keys()

    def __len__(self) -> int:
        return self.node.children if self._search is None else self.store.count(self._search)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._child(key) is not None

    def __getitem__(self, key: str) -> Any:
        """The node of a child; KeyError if there is none, or none among what was searched for."""
        found = self._child(key)
        if found is None:
            raise KeyError(key)
        return self.as_node(found)

    def as_node(self, node: Node) -> Any:
        """What the kernel takes for a row."""
        return CatalogContainer(self.store, node, self._leaf) if node.family == self.family else self._leaf(node)

    def reach(self, keys: Sequence[str]) -> tuple[Any, int]:
        """The node to which most of some keys lead, and how many these are; found in one statement, if all do."""
        node, depth = self.store.deepest(self._node, keys)
        return (self.as_node(node), depth) if depth else (self, 0)

    def page(self, *, after: bytes | None = None, offset: int = 0, limit: int = 100) -> tuple[list[Any], bytes | None]:
        """Children after those that a token stands for, with their keys; and the token of what follows them."""
        found = self._page(after, offset, limit)
        return [(node.key, self.as_node(node)) for node in found.nodes], found.following

    def narrow(self, queries: Sequence[Any]) -> tuple[CatalogContainer, list[Any]]:
        """The view of what matches the queries that the catalog can run, and the queries that are left.

        UnsupportedQuery if some are left, and there are too many children to look at.
        """
        search = self.store.narrow(self.found, queries)
        left = list(search.left)
        view = CatalogContainer(self.store, self._node, self._leaf, Search(search.selection), self._order)
        costly = [query for query in left if not isinstance(query, (KeyLookup, KeysFilter))]
        if costly and len(view) > FEASIBLE:
            raise UnsupportedQuery(
                f"the query {costly[0].name!r} is not supported on this node: its index cannot answer it, and more "
                f"than {FEASIBLE} children would have to be looked at: narrow the search with other queries"
            )
        return view, left

    def ordered(self, order: Sequence[SortKey]) -> CatalogContainer:
        """The view in this order."""
        return CatalogContainer(self.store, self.node, self._leaf, self._search, order)

    def distinct(
        self, metadata: Sequence[str], *, structure_families: bool, specs: bool, counts: bool
    ) -> dict[str, Any]:
        """The summary of `tiledkernel.nodes.distinct`."""
        return self.store.distinct(
            self.found, metadata, structure_families=structure_families, specs=specs, counts=counts
        )

    def _page(self, after: bytes | None, offset: int, limit: int) -> Page:
        return self.store.page(self.found, self._order, after=after, offset=offset, limit=limit)

    def _nodes(self) -> Iterator[Node]:
        after: bytes | None = None
        while True:
            page = self._page(after, 0, BATCH)
            yield from page.nodes
            after = page.following
            if after is None:
                return

    def _child(self, key: str) -> Node | None:
        if self._search is None:
            return self.store.child(self._node, key)
        found = self.store.page(self.store.narrow(self._search, [KeyLookup(key)]), limit=1).nodes
        return found[0] if found else None

    def __repr__(self) -> str:
        return f"<CatalogContainer {self._node.key!r}>"
