"""The children of a container: filtered, sorted, cut into pages, described."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from tiledkernel.errors import BadRequest
from tiledkernel.families.container.matching import matching_keys, paging
from tiledkernel.families.container.paging import Page, check_range, cursor_after, cursor_of, parse_page, token_of
from tiledkernel.nodes.sorting import parse_sort
from tiledkernel.server.answers import Message
from tiledkernel.server.blame import Blaming
from tiledkernel.server.describe import View, parse_fields
from tiledkernel.server.quoting import quoted
from tiledkernel.server.request import Request
from tiledkernel.server.resolve import Entry
from tiledkernel.server.selection import parse_selection
from tiledkernel.server.validators import expires

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


def search(request: Request) -> Message:
    """Children of a container that match all filters, in order, one page of them."""
    query: SearchQuery = request.query
    page = parse_page(query.limit, query.offset, query.cursor)
    check_range("max_depth", query.max_depth, 0, 5)
    view = View(
        fields=parse_fields(query.fields),
        select=parse_selection(query.select_metadata),
        links=not query.omit_links,
        data_sources=query.include_data_sources,
        max_depth=query.max_depth,
    )
    filters = request.service.queries.filters(request.values)
    order = parse_sort(query.sort)
    if (paged := paging(request, filters, order)) is not None:
        return _paged(request, paged, page, view)
    in_place = all(key.by_place for key in order)
    if page.cursor is not None and not in_place:
        raise BadRequest("'page[cursor]' goes with the default order: use 'page[offset]' with 'sort'")
    keys = matching_keys(request, filters, order)
    start = page.start(keys)
    wanted = keys[start : start + page.limit] if view.fields != {"count"} else []
    lookup = any(filter_.name == "lookup" for filter_ in filters)
    content = {
        "data": _describe(request, wanted, view),
        "error": None,
        "links": _links(request, page, start, keys, in_place=in_place),
        "meta": {"count": len(keys)},
    }
    fresh = expires(getattr(request.entry.node, "stale_after", None))
    return Message(content, headers=fresh if lookup else (*REVALIDATE, *fresh))


def _paged(request: Request, parent: Entry, page: Page, view: View) -> Message:
    """A page that the container itself finds, without going through the children before or after it."""
    wanted = 0 if view.fields == {"count"} else page.limit
    after = None if page.cursor is None else token_of(page.cursor)
    with parent.guard, Blaming(parent):
        children, following = parent.node.page(after=after, offset=page.offset, limit=wanted)
        count = len(parent.node)
        data = request.service.describer.listing(parent, children, request.base, view)
    links = _page_links(request, page, None if following is None else f"page[cursor]={cursor_of(following)}")
    return Message({"data": data, "error": None, "links": links, "meta": {"count": count}}, headers=REVALIDATE)


def _describe(request: Request, keys: list[str], view: View) -> list[dict[str, Any]]:
    """The resources of these children; where only keys are wanted, nothing is opened."""
    parent, describer, base = request.entry, request.service.describer, request.base
    if view.keys_only:
        return [describer.key((*parent.path, key), base, view) for key in keys]
    children = request.service.resolver.children(parent, iter(keys))
    return [describer.listed(child, base, view) for _, child in children]


def _links(request: Request, page: Page, start: int, keys: list[str], *, in_place: bool) -> dict[str, str | None]:
    """Where this page, the first and the next one are."""
    end = start + page.limit
    place = None
    if page.limit and end < len(keys):
        place = f"page[cursor]={cursor_after(end - 1, keys[end - 1])}" if in_place else f"page[offset]={end}"
    return _page_links(request, page, place)


def _page_links(request: Request, page: Page, place: str | None) -> dict[str, str | None]:
    """Links of a page, the next one being at `place`; filters are not repeated, since clients send them again."""
    here = f"{request.base}/search/{quoted(request.segments)}?"
    limit = f"page[limit]={page.limit}"
    own = (
        f"page[cursor]={page.cursor}&"
        if page.cursor is not None
        else f"page[offset]={page.offset}&"
        if page.offset
        else ""
    )
    following = None if place is None else f"{here}{place}&{limit}"
    return {"self": f"{here}{own}{limit}", "first": f"{here}{limit}", "next": following}
