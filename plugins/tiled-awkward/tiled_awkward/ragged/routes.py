"""Reading ragged arrays over HTTP: whole or sliced."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from tiledkernel import references
from tiledkernel.access.scopes import READ_DATA
from tiledkernel.encoding import Encoding
from tiledkernel.records import Route
from tiledkernel.server.answers import Payload
from tiledkernel.server.request import Request
from tiledkernel.slices import format_slice, parse_slice

LARGE = 1 << 30  # bytes: encoding is never done on the event loop
_PAYLOAD = "tiled_awkward.ragged.payload:RaggedPayload"  # by reference: awkward loads when an array is touched


class FullQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a read."""

    slice: str = ""
    format: str | None = None
    filename: str | None = None


def read_full(request: Request) -> Payload:
    """A ragged array, or a slice of it, in the format asked for."""
    entry, query = request.entry, request.query
    node = entry.node
    parts = parse_slice(query.slice)
    part = references.load(_PAYLOAD)(node, parts, request.service.settings.response_bytesize_limit)
    choice = request.service.negotiator.choose(node, query.format, request.header(b"accept"))
    encoding = Encoding(choice.media_type, entry.key, node.metadata, node.specs)
    stamp = entry.stamp()
    return Payload(
        media_type=choice.content_type,
        work=partial(choice.encode, part, encoding),
        stamp=None if stamp is None else (stamp, format_slice(parts)),
        nbytes=LARGE,
        filename=query.filename,
    )


ROUTES = (
    Route(
        path="/ragged/full/{path}",
        handler=read_full,
        scopes=frozenset({READ_DATA}),
        parameters=FullQuery,
        families=frozenset({"ragged"}),
    ),
)
