"""Reading sparse arrays over HTTP: below the paths of arrays, with the same parameters."""

from __future__ import annotations

from functools import partial

from tiled_sparse.payload import SparsePayload
from tiledkernel.access.scopes import READ_DATA
from tiledkernel.encoding import Encoding
from tiledkernel.families.array.cuts import BlockQuery, FullQuery, cut_of_block, cut_of_full
from tiledkernel.records import Route
from tiledkernel.server.answers import Payload
from tiledkernel.server.request import Request
from tiledkernel.slices import Cut

UNKNOWN = 1 << 30  # bytes: how much is stored in a selection is not known before it is looked at


def read_full(request: Request) -> Payload:
    """The stored elements of a sparse array, or of a slice of it, in the format asked for."""
    return _payload(request, cut_of_full(request.query, request.entry.node.structure.shape))


def read_block(request: Request) -> Payload:
    """The stored elements of one chunk of a sparse array; coordinates are those within the chunk."""
    _, cut = cut_of_block(request.query, request.entry.node.structure.chunks)
    return _payload(request, cut)


def _payload(request: Request, cut: Cut) -> Payload:
    entry, query = request.entry, request.query
    node = entry.node
    choice = request.service.negotiator.choose(node, query.format, request.header(b"accept"))
    part = SparsePayload(node, cut, request.service.settings.response_bytesize_limit)
    encoding = Encoding(choice.media_type, entry.key, node.metadata, node.specs)
    return Payload(
        media_type=choice.content_type,
        work=partial(choice.encode, part, encoding),
        stamp=entry.stamp(cut),
        nbytes=UNKNOWN,
        filename=query.filename,
    )


_FAMILIES = frozenset({"sparse"})
_SCOPES = frozenset({READ_DATA})

ROUTES = (
    Route(path="/array/full/{path}", handler=read_full, scopes=_SCOPES, parameters=FullQuery, families=_FAMILIES),
    Route(path="/array/block/{path}", handler=read_block, scopes=_SCOPES, parameters=BlockQuery, families=_FAMILIES),
)
