"""Sparse arrays over HTTP: below the paths of arrays, with the same parameters."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from tiled_sparse.payload import SparsePayload
from tiled_sparse.writing import WritableSparse
from tiledkernel import references
from tiledkernel.access.scopes import READ_DATA, WRITE_DATA
from tiledkernel.blocks import Block, block_bounds, parse_block
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAllowed
from tiledkernel.families.array.cuts import BlockQuery, FullQuery, cut_of_block, cut_of_full
from tiledkernel.media_types import ARROW_FILE
from tiledkernel.records import Route
from tiledkernel.server.answers import Message, Payload
from tiledkernel.server.preconditions import check_precondition
from tiledkernel.server.request import Request
from tiledkernel.slices import Cut

UNKNOWN = 1 << 30  # bytes: how much is stored in a selection is not known before it is looked at
_LIMIT = "tiled_sparse.uploads:limit_of"  # by reference: pyarrow loads when elements come
_DECODE = "tiled_sparse.uploads:decode_elements"


class WriteQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a write; without `persist` the elements are checked, and not stored."""

    persist: bool = True


class WriteBlockQuery(WriteQuery, frozen=True, kw_only=True):
    """Parameters of a write of one block."""

    block: str


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


def limit_full(request: Request) -> int:
    """How many bytes the elements of the array may have."""
    structure = _writable(request).structure
    limit: int = references.load(_LIMIT)(structure, structure.shape)
    return limit


def limit_block(request: Request) -> int:
    """How many bytes the elements of the block may have."""
    structure = _writable(request).structure
    _, shape = _block_of(request)
    limit: int = references.load(_LIMIT)(structure, shape)
    return limit


def write_full(request: Request) -> Message:
    """Replace all elements by those that were sent."""
    node = _writable(request)
    request.upload.require(ARROW_FILE)
    structure = node.structure
    elements = references.load(_DECODE)(request.upload.data, structure, structure.shape)
    if request.query.persist:
        check_precondition(request)
        node.write(elements)
    return Message(None)


def write_block(request: Request) -> Message:
    """Replace the elements of one chunk by those that were sent, whose coordinates count from its beginning."""
    node = _writable(request)
    request.upload.require(ARROW_FILE)
    block, shape = _block_of(request)
    elements = references.load(_DECODE)(request.upload.data, node.structure, shape)
    if request.query.persist:
        check_precondition(request)
        node.write_block(block, elements)
    return Message(None)


def _writable(request: Request) -> WritableSparse:
    node = request.entry.node
    if not isinstance(node, WritableSparse):
        raise NotAllowed(
            f"the sparse array {request.entry.key!r} cannot be written: its data were registered, or are made by the "
            "server; write a new array instead",
            allow=("GET", "HEAD"),
        )
    return node


def _block_of(request: Request) -> tuple[Block, tuple[int, ...]]:
    block = parse_block(request.query.block)
    bounds = block_bounds(block, request.entry.node.structure.chunks)
    return block, tuple(bound.stop - bound.start for bound in bounds)


_FAMILIES = frozenset({"sparse"})
_READING = frozenset({READ_DATA})
_WRITING = frozenset({WRITE_DATA})

ROUTES = (
    Route(path="/array/full/{path}", handler=read_full, scopes=_READING, parameters=FullQuery, families=_FAMILIES),
    Route(path="/array/block/{path}", handler=read_block, scopes=_READING, parameters=BlockQuery, families=_FAMILIES),
    Route(
        path="/array/full/{path}",
        methods=("PUT",),
        handler=write_full,
        scopes=_WRITING,
        parameters=WriteQuery,
        upload=limit_full,
        families=_FAMILIES,
    ),
    Route(
        path="/array/block/{path}",
        methods=("PUT",),
        handler=write_block,
        scopes=_WRITING,
        parameters=WriteBlockQuery,
        upload=limit_block,
        families=_FAMILIES,
    ),
)
