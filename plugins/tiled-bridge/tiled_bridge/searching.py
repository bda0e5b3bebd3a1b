"""What adapters of containers can do themselves: run queries, sort, summarise.

What an adapter cannot do is done by the server, child by child. So is what an adapter would do child by child as
well, as mappings in memory do: their queries then mean what they mean on every other tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tiled_bridge.calls import ask, is_named, name_of, settle, understand
from tiled_bridge.structures import plain
from tiled_bridge.words import spoken_queries
from tiledkernel.errors import UnsupportedQuery
from tiledkernel.nodes.sorting import SortKey
from tiledkernel.queries import QUERIES, KeyLookup, KeysFilter

FEASIBLE = 100_000  # children that the server looks at for a query that their container cannot run

_IN_MEMORY = frozenset({"tiled.adapters.mapping"})  # modules whose containers look at each child
_REFUSED = (NotImplementedError, UnsupportedQuery)


def narrow(adapter: Any, queries: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The adapter of what matches the queries that it can run, and those that are left to the server.

    UnsupportedQuery if some are left and there are too many children to look at.
    """
    left: list[Any] = []
    for query in queries:
        found = None if _is_ours(adapter, query) else _search(adapter, query)
        if found is None:
            left.append(query)
        else:
            adapter = found
    costly = [query for query in left if not isinstance(query, (KeyLookup, KeysFilter))]
    if costly and _is_too_large(adapter):
        raise UnsupportedQuery(
            f"the query {costly[0].name!r} is not supported on this node: {name_of(adapter)} cannot run it, and has "
            f"more than {FEASIBLE} children: narrow the search with one that it can run"
        )
    return adapter, left


def ordered(adapter: Any, order: Sequence[SortKey]) -> Any | None:
    """The adapter in this order of metadata; None if it cannot sort so, or if another order is meant."""
    by_metadata = [key for key in order if key.by == "metadata"]
    rest = [key for key in order if key.by != "metadata"]
    if not by_metadata or any(key.by == "key" or key.descending for key in rest) or not _does(adapter, "sort"):
        return None
    try:
        return settle(adapter.sort([(key.name, -1 if key.descending else 1) for key in by_metadata]))
    except Exception as error:
        if _is_refusal(error) or isinstance(error, (KeyError, TypeError)):  # values that have no order
            return None
        raise understand(error, adapter) from error


def distinct(
    adapter: Any, metadata: Sequence[str], *, structure_families: bool, specs: bool, counts: bool
) -> dict[str, Any] | None:
    """The distinct values of the children as the wire has them; None if the adapter cannot tell."""
    if not _does(adapter, "get_distinct"):
        return None
    found = plain(ask(adapter, "get_distinct", list(metadata), structure_families, specs, counts))
    return {name: found.get(name) for name in ("metadata", "structure_families", "specs")}


def _search(adapter: Any, query: Any) -> Any | None:
    """What the adapter finds; None if it cannot run the query."""
    for words in spoken_queries(query):
        try:
            return settle(adapter.search(words))
        except Exception as error:
            if not _is_refusal(error):
                raise understand(error, adapter) from error
    return None


def _is_ours(adapter: Any, query: Any) -> bool:
    """Whether the server answers a query as well as the adapter could."""
    if isinstance(query, (KeyLookup, KeysFilter)) or not hasattr(adapter, "search"):
        return True
    return isinstance(query, QUERIES) and not (_does(adapter, "search") or _does(adapter, "query_registry"))


def _does(adapter: Any, name: str) -> bool:
    """Whether an adapter has a way of its own, other than to look at each child."""
    owner = next((kind for kind in type(adapter).__mro__ if name in vars(kind)), None)
    return hasattr(adapter, name) if owner is None else owner.__module__ not in _IN_MEMORY


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, _REFUSED) or is_named(error, "UnsupportedQueryType")


def _is_too_large(adapter: Any) -> bool:
    for method, arguments in (("lbound_len", [FEASIBLE]), ("exact_len", []), ("__len__", [])):
        if hasattr(adapter, method):
            return int(ask(adapter, method, *arguments)) > FEASIBLE
    return False
