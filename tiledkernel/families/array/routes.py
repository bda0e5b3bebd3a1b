"""Reading arrays over HTTP: whole, sliced, or by block; writing them is in `writing.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from msgspec import structs

from tiledkernel.access.scopes import READ_DATA
from tiledkernel.encoding import Body, Encoding
from tiledkernel.families.array.cuts import BlockQuery, FullQuery, cut_of_block, cut_of_full
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.families.array.writing import ROUTES as WRITING
from tiledkernel.media_types import ARRAY_BYTES
from tiledkernel.nodes.protocols import EncodedBlock, RestsEncoded
from tiledkernel.records import Route
from tiledkernel.server.answers import Payload
from tiledkernel.server.compression import accepted_codings
from tiledkernel.server.request import Request
from tiledkernel.slices import Cut

CODINGS_AT_REST = frozenset({"deflate", "gzip", "zstd"})  # that file formats and HTTP have in common


def read_full(request: Request) -> Payload:
    """The elements of an array, or a slice of them, in the format asked for."""
    return _payload(request, cut_of_full(request.query, request.entry.node.structure.shape))


def read_block(request: Request) -> Payload:
    """One chunk of an array."""
    query: BlockQuery = request.query
    node = request.entry.node
    block, cut = cut_of_block(query, node.structure.chunks)
    payload = _payload(request, cut)
    if not query.slice and payload.media_type == ARRAY_BYTES and isinstance(node, RestsEncoded):
        accepted = accepted_codings(request.header(b"accept-encoding"))
        if not accepted.keys().isdisjoint(CODINGS_AT_REST):
            return structs.replace(payload, work=partial(_as_it_rests, node, block, accepted, payload.work))
    return payload


def _payload(request: Request, cut: Cut) -> Payload:
    entry = request.entry
    node = entry.node
    query = request.query
    choice = request.service.negotiator.choose(node, query.format, request.header(b"accept"))
    part = ArrayPayload(node, cut, request.service.settings.response_bytesize_limit)
    if choice.media_type.base == ARRAY_BYTES:  # which every shape suits, and which may leave as it rests
        part.check_size()
    encoding = Encoding(choice.media_type, entry.key, node.metadata if choice.wants_metadata else {}, node.specs)
    return Payload(
        media_type=choice.content_type,
        work=partial(choice.encode, part, encoding),
        stamp=entry.stamp(cut),
        nbytes=part.nbytes,
        length=part.nbytes if choice.media_type.base == ARRAY_BYTES else None,
        itemsize=part.dtype.itemsize,
        filename=query.filename,
    )


def _as_it_rests(
    node: RestsEncoded, block: tuple[int, ...], accepted: Mapping[str, float], decode: Callable[[], Body | EncodedBlock]
) -> Body | EncodedBlock:
    """The chunk without decoding it, if it rests in a coding that the client accepts."""
    rested = node.encoded_block(block)
    return decode() if rested is None or accepted.get(rested.coding, 0.0) <= 0 else rested


ROUTES = (
    Route(
        path="/array/full/{path}",
        handler=read_full,
        scopes=frozenset({READ_DATA}),
        parameters=FullQuery,
        families=frozenset({"array"}),
    ),
    Route(
        path="/array/block/{path}",
        handler=read_block,
        scopes=frozenset({READ_DATA}),
        parameters=BlockQuery,
        families=frozenset({"array"}),
    ),
    *WRITING,
)
