"""The children of a container: filtered, sorted, cut into pages, described."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.nodes.sorting import parse_sort, sort_children
from tiledkernel.server.answers import Message
from tiledkernel.server.describe import View, compile_selection, parse_fields, quoted
from tiledkernel.server.filters import Filter
from tiledkernel.server.request import Request
from tiledkernel.server.resolve import Entry
from tiledkernel.server.validators import expires

MAX_LIMIT = 300
MAX_OFFSET = 10**15
REVALIDATE = ((b"cache-control", b"must-revalidate"),)


class SearchQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a search, besides any number of filters."""

    fields: list[str] = field(default_factory=list)
    select_metadata: str | None = None
    limit: int = field(default=100, name="page[limit]")
    offset: int | None = field(default=None, name="page[offset]")
    cursor: int | None = field(default=None, name="page[cursor]")
    sort: list[str] = field(default_factory=list)
    max_depth: int = 5
    omit_links: bool = False
    include_data_sources: bool = False


class Page(Struct, frozen=True):
    """A stretch of a listing."""

    offset: int
    limit: int
    cursor: bool


def search(request: Request) -> Message:
    """Children of a container that match all filters, in order, one page of them."""
    query: SearchQuery = request.query
    page = _page(query)
    view = View(
        fields=parse_fields(query.fields),
        select=compile_selection(query.select_metadata),
        links=not query.omit_links,
        data_sources=query.include_data_sources,
        max_depth=query.max_depth,
    )
    filters = request.service.queries.filters(request.values)
    keys = matching_keys(request, filters, query.sort)
    wanted = keys[page.offset : page.offset + page.limit] if view.fields != {"count"} else []
    lookup = any(filter_.name == "lookup" for filter_ in filters)
    content = {
        "data": _describe(request, wanted, view),
        "error": None,
        "links": _links(request, page, len(keys)),
        "meta": {"count": len(keys)},
    }
    fresh = expires(getattr(request.entry.node, "stale_after", None))
    return Message(content, headers=fresh if lookup else (*REVALIDATE, *fresh))


def _describe(request: Request, keys: list[str], view: View) -> list[dict[str, Any]]:
    """The resources of these children; where only keys are wanted, nothing is opened."""
    parent, describer, base = request.entry, request.service.describer, request.base
    if view.keys_only:
        return [describer.key((*parent.path, key), base, view) for key in keys]
    children = request.service.resolver.children(parent, iter(keys))
    return [describer.listed(child, base, view) for _, child in children]


def matching_keys(request: Request, filters: list[Filter], sort: list[str]) -> list[str]:
    """Keys of the children that match, in order; children are looked at only if a filter or the order needs it."""
    order = parse_sort(sort)
    node = request.entry.node
    if not filters and all(key.by_place for key in order):
        keys = list(node.keys())
        return keys[::-1] if order and order[-1].descending else keys
    children = request.service.resolver.children(request.entry, _candidates(node, filters))
    kept = [(key, child.node) for key, child in children if child.node is not None and _matches(filters, key, child)]
    return [key for key, _ in sort_children(kept, order)]


def _candidates(node: Any, filters: list[Filter]) -> Any:
    """Only those keys that a look-up asks for, if one does: the others need not be opened."""
    for filter_ in filters:
        if filter_.name == "lookup":
            key = filter_.query.key
            return iter([key] if key in node else [])
    return None


def _matches(filters: list[Filter], key: str, child: Entry) -> bool:
    with child.guard:
        return all(filter_(key, child.node) for filter_ in filters)


def _page(query: SearchQuery) -> Page:
    if query.offset is not None and query.cursor is not None:
        raise BadRequest("'page[offset]' and 'page[cursor]' cannot be used together")
    check_range("page[limit]", query.limit, 0, MAX_LIMIT)
    offset = query.cursor if query.cursor is not None else query.offset or 0
    check_range("page[cursor]" if query.cursor is not None else "page[offset]", offset, 0, MAX_OFFSET)
    check_range("max_depth", query.max_depth, 0, 5)
    return Page(offset, query.limit, cursor=query.cursor is not None)


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Unprocessable unless low <= value <= high."""
    if not low <= value <= high:
        raise Unprocessable(f"{name}={value} is out of range: expected {low} to {high}", "query", name, value=value)


def _links(request: Request, page: Page, count: int) -> dict[str, str | None]:
    here = f"{request.base}/search/{quoted(request.segments)}"
    limit = f"page[limit]={page.limit}"
    place = f"page[offset]={page.offset}&" if page.offset else ""
    following = page.offset + page.limit
    return {
        "self": f"{here}?{place}{limit}",
        "first": f"{here}?{limit}",
        "next": f"{here}?page[offset]={following}&{limit}" if following < count and page.limit else None,
    }
