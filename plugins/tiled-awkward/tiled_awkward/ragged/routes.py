"""Ragged arrays over HTTP: read whole or sliced, written whole, by chunk, or at the end."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from msgspec import Struct

from tiled_awkward.ragged.writing import WritableRagged
from tiledkernel import references
from tiledkernel.access.scopes import READ_DATA, WRITE_DATA
from tiledkernel.blocks import parse_block
from tiledkernel.encoding import Encoding
from tiledkernel.errors import BadRequest, NotAllowed, Unprocessable
from tiledkernel.media_types import JSON
from tiledkernel.records import Route
from tiledkernel.server.answers import Message, Payload
from tiledkernel.server.preconditions import check_precondition
from tiledkernel.server.request import Request
from tiledkernel.slices import format_slice, parse_slice

LARGE = 1 << 30  # bytes: encoding is never done on the event loop
MAX_UPLOAD = 1 << 30  # bytes that one request brings; of a part of a larger array, all of its numbers may come along
_NUMBERS = re.compile(r"[0-9]{1,18}(?:,[0-9]{1,18}){0,63}", re.ASCII)
_ZIP = "application/zip"
# By reference: awkward loads when an array is touched.
_PAYLOAD = "tiled_awkward.ragged.payload:RaggedPayload"
_DECODERS = {
    _ZIP: "tiled_awkward.ragged.uploads:decode_archive",
    JSON: "tiled_awkward.ragged.uploads:decode_json",
}


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


class WriteQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a write; without `persist` the rows are checked, and not stored."""

    persist: bool = True


class WriteBlockQuery(WriteQuery, frozen=True, kw_only=True):
    """Parameters of a write of one chunk of the first axis."""

    block: str


class PatchQuery(WriteQuery, frozen=True, kw_only=True):
    """Parameters of rows that are added: how many they are, and how many there are already."""

    shape: str
    offset: str
    extend: bool = False


def take_upload(request: Request) -> int:
    """How many bytes the rows may have."""
    _writable(request)
    return MAX_UPLOAD


def write_full(request: Request) -> Message:
    """Replace all rows by those that were sent."""
    node, rows = _writing(request)
    if request.query.persist:
        check_precondition(request)
        node.write(rows)
    return Message(None)


def write_block(request: Request) -> Message:
    """Replace the rows of one chunk by those that were sent."""
    block = parse_block(request.query.block)
    chunks = request.entry.node.structure.chunks[0]
    if len(block) != 1 or block[0] >= len(chunks):
        raise Unprocessable(
            f"no block {request.query.block!r:.80}: this array has {len(chunks)} along its first axis, numbered from 0",
            "query",
            "block",
            value=request.query.block[:80],
        )
    node, rows = _writing(request)
    if len(rows) != chunks[block[0]]:
        raise Unprocessable(f"the block {block[0]} has {chunks[block[0]]} rows, not {len(rows)}", "body")
    if request.query.persist:
        check_precondition(request)
        node.write_block(block[0], rows)
    return Message(None)


def patch_full(request: Request) -> Message:
    """Add rows at the end; the structure thereafter."""
    query: PatchQuery = request.query
    shape, offset = _numbers("shape", query.shape), _numbers("offset", query.offset)
    if query.extend and not query.persist:
        raise BadRequest("an array grows by rows that are kept: leave out 'persist=false', or 'extend=true'")
    node, rows = _writing(request)
    if len(rows) != shape[0]:
        raise Unprocessable(
            f"shape={query.shape[:80]!r} promises {shape[0]} rows, and there are {len(rows)} in the body",
            "query",
            "shape",
            value=query.shape[:80],
        )
    if not query.persist:
        return Message(node.structure)
    check_precondition(request)
    return Message(node.patch(offset, rows, extend=query.extend))


def _writing(request: Request) -> tuple[WritableRagged, Any]:
    """The array, and the rows that the request brings, which fit it."""
    node = _writable(request)
    media_type = request.upload.require(*_DECODERS)
    return node, references.load(_DECODERS[media_type])(request.upload.data, node.structure)


def _writable(request: Request) -> WritableRagged:
    node = request.entry.node
    if not isinstance(node, WritableRagged):
        raise NotAllowed(
            f"the ragged array {request.entry.key!r} cannot be written: its data were registered, or are made by the "
            "server; write a new array instead",
            allow=("GET", "HEAD"),
        )
    return node


def _numbers(name: str, text: str) -> tuple[int, ...]:
    if not _NUMBERS.fullmatch(text):
        raise Unprocessable(
            f"{name}={text[:80]!r} is not understood: write integers separated by commas, such as '3'",
            "query",
            name,
            value=text[:80],
            kind="string_pattern_mismatch",
        )
    return tuple(map(int, text.split(",")))


_FAMILIES = frozenset({"ragged"})
_SCOPES = frozenset({WRITE_DATA})

ROUTES = (
    Route(
        path="/ragged/full/{path}",
        handler=read_full,
        scopes=frozenset({READ_DATA}),
        parameters=FullQuery,
        families=_FAMILIES,
    ),
    Route(
        path="/ragged/full/{path}",
        handler=write_full,
        scopes=_SCOPES,
        parameters=WriteQuery,
        families=_FAMILIES,
        methods=("PUT",),
        upload=take_upload,
    ),
    Route(
        path="/ragged/full/{path}",
        handler=patch_full,
        scopes=_SCOPES,
        parameters=PatchQuery,
        families=_FAMILIES,
        methods=("PATCH",),
        upload=take_upload,
    ),
    Route(
        path="/ragged/block/{path}",
        handler=write_block,
        scopes=_SCOPES,
        parameters=WriteBlockQuery,
        families=_FAMILIES,
        methods=("PUT",),
        upload=take_upload,
    ),
)
