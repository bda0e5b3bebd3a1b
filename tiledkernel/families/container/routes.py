"""Listing, searching, summarising and exporting containers over HTTP."""

from __future__ import annotations

from functools import partial

from msgspec import Struct, field

from tiledkernel.access.scopes import READ_DATA, READ_METADATA
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAllowed, Unprocessable
from tiledkernel.families.container.deep import DeepQuery, search_deep
from tiledkernel.families.container.matching import matching, narrowed, seen
from tiledkernel.families.container.payload import ContainerPayload
from tiledkernel.families.container.search import SearchQuery, search
from tiledkernel.nodes.distinct import distinct as summarise
from tiledkernel.nodes.protocols import Summarising
from tiledkernel.records import Route
from tiledkernel.server.answers import Message, Payload
from tiledkernel.server.request import Request

MAX_KEYS = 100


class DistinctQuery(Struct, frozen=True, kw_only=True):
    """Parameters of `distinct`, besides any number of filters."""

    metadata: list[str] = field(default_factory=list)
    structure_families: bool = False
    specs: bool = False
    counts: bool = False


class FullQuery(Struct, frozen=True, kw_only=True):
    """Parameters of an export: `field` names the children to include."""

    field: list[str] = field(default_factory=list)
    format: str | None = None
    filename: str | None = None


def distinct(request: Request) -> Message:
    """Distinct values of metadata, structure families and specs among the children that match all filters."""
    entry = request.entry
    if entry.node.family != "container":
        raise NotAllowed(
            f"{'/'.join(entry.path)!r} is of family {entry.node.family!r}: only containers have distinct values"
        )
    query: DistinctQuery = request.query
    if len(query.metadata) > MAX_KEYS:
        raise Unprocessable(f"too many keys: at most {MAX_KEYS} are taken", "query", "metadata")
    parts = {"structure_families": query.structure_families, "specs": query.specs, "counts": query.counts}
    filters = request.service.queries.filters(request.values)
    parent, left = narrowed(entry, filters)
    if not left and isinstance(parent.node, Summarising):
        summary = parent.node.distinct(query.metadata, **parts)
        if summary is not None:
            return Message(summary)
    children = ((key, found) for key, child in matching(request, filters) if (found := seen(child)) is not None)
    return Message(summarise(children, query.metadata, **parts))


def read_full(request: Request) -> Payload:
    """A container with everything below it, or only some children, in the format asked for."""
    entry = request.entry
    query: FullQuery = request.query
    fields = request.body if request.body is not None else query.field or None
    if fields is not None and not fields:
        raise Unprocessable(
            "the list of fields is empty: name at least one child, or send no body for all", "body", value=[]
        )
    choice = request.service.negotiator.choose(entry.node, query.format, request.header(b"accept"))
    limit = request.service.settings.response_bytesize_limit
    payload = ContainerPayload(request.service.resolver, entry, fields, limit)
    encoding = Encoding(choice.media_type, entry.key, entry.node.metadata, entry.node.specs)
    return Payload(
        media_type=choice.content_type,
        work=partial(choice.encode, payload, encoding),
        nbytes=1 << 30,  # nobody knows before walking through it: not on the event loop
        filename=query.filename,
    )


_CONTAINER = frozenset({"container"})
_METADATA = frozenset({READ_METADATA})
_DATA = frozenset({READ_DATA})

ROUTES = (
    Route(
        path="/search/{path}", handler=search, scopes=_METADATA, parameters=SearchQuery, families=_CONTAINER,
        filters=True,
    ),
    Route(
        path="/search-deep/{path}", handler=search_deep, scopes=_METADATA, parameters=DeepQuery, families=_CONTAINER,
        filters=True, walks=True,
    ),
    Route(path="/distinct/{path}", handler=distinct, scopes=_METADATA, parameters=DistinctQuery, filters=True),
    Route(path="/container/full/{path}", handler=read_full, scopes=_DATA, parameters=FullQuery, families=_CONTAINER),
    Route(
        path="/container/full/{path}", handler=read_full, scopes=_DATA, parameters=FullQuery, families=_CONTAINER,
        methods=("POST",), body=list[str] | None,
    ),
)  # fmt: skip
