"""Everything below a container that matches some filters, page by page.

A container with an index is asked (`DeepPaging`). Without one a search looks at one node after the other, and each
answer has a bound on how many: a page may then hold fewer results than asked for, or none, and its link leads on from
where the search stopped. A count that is asked for is exact, or refused; one that comes with a page may be a lower
bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.families.container.matching import matches
from tiledkernel.families.container.paging import MAX_LIMIT, MAX_OFFSET, check_range, cursor_of, token_of
from tiledkernel.nodes.deep import MAX_DEPTH, Budget, Trail, Walk
from tiledkernel.nodes.protocols import DeepPaging
from tiledkernel.server.answers import Message
from tiledkernel.server.blame import FAILURES, Blaming
from tiledkernel.server.describe import View, parse_fields
from tiledkernel.server.filters import Filter
from tiledkernel.server.quoting import quoted
from tiledkernel.server.request import Request
from tiledkernel.server.resolve import Entry
from tiledkernel.server.selection import parse_selection

PAGE_NODES, PAGE_SECONDS = 20_000, 2.0  # what one page may cost
COUNT_NODES, COUNT_SECONDS = 200_000, 10.0  # what a count may cost
COUNTED_ON = 1_000  # nodes that are looked at behind a page, to tell how many matches there are
REVALIDATE = ((b"cache-control", b"must-revalidate"),)
_MARK = b"\x01"  # in front of a cursor's bytes, lest leading zeros get lost

Count = Annotated[int, Meta(ge=0, le=2**62)]
Place = Annotated[int, Meta(ge=0)]


class DeepQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a deep search, besides any number of filters."""

    fields: list[str] = field(default_factory=list)
    select_metadata: str | None = None
    limit: int = field(default=100, name="page[limit]")
    offset: int | None = field(default=None, name="page[offset]")
    cursor: int | None = field(default=None, name="page[cursor]")
    sort: list[str] = field(default_factory=list)
    max_depth: int = MAX_DEPTH
    omit_links: bool = False
    include_data_sources: bool = False


class Position(Struct, frozen=True, array_like=True):
    """Where a search stands: matches yet to be skipped, matches met so far, and the node that was looked at last."""

    skip: Count = 0
    met: Count = 0
    trail: Annotated[tuple[Place, ...], Meta(max_length=MAX_DEPTH)] = ()

    def as_cursor(self) -> int:
        """The one integer that the protocol has room for."""
        return int.from_bytes(_MARK + msgspec.msgpack.encode(self))


class Page(Struct, frozen=True):
    """The matches of one page; where the next one begins, if there may be one; and how many matches are known of."""

    entries: list[Entry]
    following: int | None
    count: int


def search_deep(request: Request) -> Message:
    """Nodes at any depth below a container that match all filters, in the order of an outline, one page of them."""
    query: DeepQuery = request.query
    _check(query)
    if any(query.sort):
        raise BadRequest("a deep search has one order, that of the tree: leave out 'sort'")
    view = View(
        fields=parse_fields(query.fields),
        select=parse_selection(query.select_metadata),
        links=not query.omit_links,
        data_sources=query.include_data_sources,
    )
    filters = request.service.queries.filters(request.values)
    nothing = view.fields == {"count"} or not query.limit
    page = _ask(request, filters, 0 if nothing else query.limit)
    if page is None and nothing:
        page = Page([], None, _count(request, filters))
    elif page is None:
        page = _find(request, filters, _start(query), query.limit)
    describer, base = request.service.describer, request.base
    content = {
        "data": [
            describer.key(entry.path, base, view) if view.keys_only else describer.listed(entry, base, view)
            for entry in page.entries
        ],
        "error": None,
        "links": _links(request, page),
        "meta": {"count": page.count},
    }
    return Message(content, headers=REVALIDATE)


def _check(query: DeepQuery) -> None:
    if query.offset is not None and query.cursor is not None:
        raise BadRequest("'page[offset]' and 'page[cursor]' cannot be used together")
    check_range("page[limit]", query.limit, 0, MAX_LIMIT)
    check_range("page[offset]", query.offset or 0, 0, MAX_OFFSET)
    check_range("max_depth", query.max_depth, 1, MAX_DEPTH)


def _ask(request: Request, filters: list[Filter], limit: int) -> Page | None:
    """A page that the container itself finds; None if it cannot."""
    query: DeepQuery = request.query
    parent = request.entry
    if not isinstance(parent.node, DeepPaging):
        return None
    queries = [each.query for each in filters]
    with parent.guard, Blaming(parent):
        count = parent.node.deep_count(queries, depth=query.max_depth)
        if count is None or not limit:
            return None if count is None else Page([], None, count)
        after = None if query.cursor is None else token_of(query.cursor)
        found = parent.node.deep_page(
            queries, depth=query.max_depth, after=after, offset=query.offset or 0, limit=limit
        )
    if found is None:
        return None
    nodes, following = found
    resolver = request.service.resolver
    entries = [resolver.listed(Entry((*parent.path, *keys), node, None)) for keys, node in nodes]
    return Page(entries, None if following is None else cursor_of(following), count)


def _start(query: DeepQuery) -> Position:
    return Position(skip=query.offset or 0) if query.cursor is None else _parse_cursor(query.cursor)


def _parse_cursor(cursor: int) -> Position:
    try:
        content = cursor.to_bytes((max(cursor, 0).bit_length() + 7) // 8)
        return msgspec.msgpack.decode(content.removeprefix(_MARK), type=Position)
    except (msgspec.MsgspecError, OverflowError):
        raise Unprocessable(
            "this 'page[cursor]' is none: take it from the 'next' link of a page of the same search",
            "query", "page[cursor]", value=str(cursor)[:80],
        ) from None  # fmt: skip


def _find(request: Request, filters: list[Filter], start: Position, limit: int) -> Page:
    budget = Budget(PAGE_NODES, PAGE_SECONDS)
    found: list[Entry] = []
    skip, met, last = start.skip, start.met, start.trail
    following: Position | None = None
    for trail, entry in _walk(request, start.trail):
        if not budget.spend():
            following = following or Position(skip, met, last)
            break
        if matches(filters, entry):
            if following is None and len(found) == limit:
                following = Position(0, met, last)
                budget.shrink(COUNTED_ON)
            elif following is None and not skip:
                found.append(entry)
            met += 1
            skip = max(skip - 1, 0)
        last = trail
    return Page(found, None if following is None else following.as_cursor(), met)


def _count(request: Request, filters: list[Filter]) -> int:
    """How many nodes match; BadRequest if it would take too long to tell."""
    budget = Budget(COUNT_NODES, COUNT_SECONDS)
    count = 0
    for _, entry in _walk(request, ()):
        if not budget.spend():
            raise BadRequest(
                "too much lies below to be counted without an index: read the results page by page, begin further "
                "down, or say how deep to look with 'max_depth'"
            )
        count += matches(filters, entry)
    return count


def _walk(request: Request, trail: Trail) -> Iterator[tuple[Trail, Entry]]:
    query: DeepQuery = request.query
    children = request.service.resolver.children

    def child(parent: Entry, key: str) -> Entry | None:
        with parent.guard, Blaming(parent):
            return next((entry for _, entry in children(parent, iter([key]))), None)

    def keys(entry: Entry) -> Sequence[str]:
        return list(entry.node.keys()) if entry is request.entry else _keys(entry)

    return Walk(keys, child, query.max_depth).below(request.entry, trail)


def _keys(entry: Entry) -> Sequence[str]:
    """The keys of a container further down; none if it cannot be listed, since that is its misfortune alone."""
    node = entry.node
    if node is None or node.family != "container":
        return ()
    try:
        with entry.guard, Blaming(entry):
            return list(node.keys())
    except FAILURES:
        return ()


def _links(request: Request, page: Page) -> dict[str, str | None]:
    """Where this page, the first and the next one are; as in a listing, only the place is said."""
    query: DeepQuery = request.query
    here = f"{request.base}/search-deep/{quoted(request.segments)}?"
    limit = f"page[limit]={query.limit}"
    own = f"page[cursor]={query.cursor}&" if query.cursor is not None else ""
    own = f"page[offset]={query.offset}&" if query.offset else own
    following = f"{here}page[cursor]={page.following}&{limit}" if page.following else None
    return {"self": f"{here}{own}{limit}", "first": f"{here}{limit}", "next": following}
