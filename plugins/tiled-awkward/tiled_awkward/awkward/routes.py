"""Reading awkward arrays over HTTP: whole, or the buffers of some nodes of the form."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from msgspec import Struct, field

from tiledkernel import references
from tiledkernel.access.scopes import READ_DATA
from tiledkernel.encoding import Encoding
from tiledkernel.records import Route
from tiledkernel.server.answers import Payload
from tiledkernel.server.request import Request

LARGE = 1 << 30  # bytes: encoding is never done on the event loop
_PAYLOAD = "tiled_awkward.awkward.payload:AwkwardPayload"  # by reference: awkward loads when an array is touched


class FullQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a read."""

    format: str | None = None
    filename: str | None = None


class BuffersQuery(FullQuery, frozen=True, kw_only=True):
    """Parameters of a read of buffers; without form keys all buffers are meant."""

    form_key: list[str] = field(default_factory=list)


def read_full(request: Request) -> Payload:
    """An awkward array in the format asked for."""
    return _payload(request, None)


def read_buffers(request: Request) -> Payload:
    """The buffers of the nodes of the form that are named in the query or in the body."""
    form_keys = [*request.query.form_key, *(request.body or ())]
    return _payload(request, form_keys if form_keys or request.body is not None else None)


def _payload(request: Request, form_keys: Collection[str] | None) -> Payload:
    entry, query = request.entry, request.query
    node = entry.node
    part = references.load(_PAYLOAD)(node, form_keys, request.service.settings.response_bytesize_limit)
    choice = request.service.negotiator.choose(node, query.format, request.header(b"accept"))
    encoding = Encoding(choice.media_type, entry.key, node.metadata, node.specs)
    stamp = entry.stamp()
    return Payload(
        media_type=choice.content_type,
        work=partial(choice.encode, part, encoding),
        stamp=None if stamp is None else (stamp, None if part.names is None else tuple(sorted(part.names))),
        nbytes=LARGE,
        filename=query.filename,
    )


_FAMILIES = frozenset({"awkward"})
_SCOPES = frozenset({READ_DATA})

ROUTES = (
    Route(path="/awkward/full/{path}", handler=read_full, scopes=_SCOPES, parameters=FullQuery, families=_FAMILIES),
    Route(
        path="/awkward/buffers/{path}",
        handler=read_buffers,
        scopes=_SCOPES,
        parameters=BuffersQuery,
        families=_FAMILIES,
    ),
    Route(
        path="/awkward/buffers/{path}",
        handler=read_buffers,
        scopes=_SCOPES,
        parameters=BuffersQuery,
        families=_FAMILIES,
        methods=("POST",),
        body=list[str] | None,
    ),
)
