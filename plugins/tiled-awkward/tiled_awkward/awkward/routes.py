"""Awkward arrays over HTTP: whole, or the buffers of some nodes of the form."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from msgspec import Struct, field

from tiled_awkward.awkward.writing import WritableAwkward
from tiledkernel import references
from tiledkernel.access.scopes import READ_DATA, WRITE_DATA
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAllowed
from tiledkernel.records import Route
from tiledkernel.server.answers import Message, Payload
from tiledkernel.server.preconditions import check_precondition
from tiledkernel.server.request import Request

LARGE = 1 << 30  # bytes: encoding is never done on the event loop
_ZIP = "application/zip"
# By reference: awkward loads when an array is touched.
_PAYLOAD = "tiled_awkward.awkward.payload:AwkwardPayload"
_LIMIT = "tiled_awkward.awkward.uploads:limit_of"
_DECODE = "tiled_awkward.awkward.uploads:decode_buffers"


class FullQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a read."""

    format: str | None = None
    filename: str | None = None


class BuffersQuery(FullQuery, frozen=True, kw_only=True):
    """Parameters of a read of buffers; without form keys all buffers are meant."""

    form_key: list[str] = field(default_factory=list)


class WriteQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a write; without `persist` the buffers are checked, and not stored."""

    persist: bool = True


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


def take_upload(request: Request) -> int:
    """How many bytes the buffers may have."""
    limit: int = references.load(_LIMIT)(_writable(request).structure)
    return limit


def write_full(request: Request) -> Message:
    """Replace all buffers by those that were sent."""
    node = _writable(request)
    request.upload.require(_ZIP)
    content = references.load(_DECODE)(request.upload.data, node.structure)
    if request.query.persist:
        check_precondition(request)
        node.write(content)
    return Message(None)


def _writable(request: Request) -> WritableAwkward:
    node = request.entry.node
    if not isinstance(node, WritableAwkward):
        raise NotAllowed(
            f"the awkward array {request.entry.key!r} cannot be written: its data were registered, or are made by the "
            "server; write a new array instead",
            allow=("GET", "HEAD"),
        )
    return node


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
    Route(
        path="/awkward/full/{path}",
        handler=write_full,
        scopes=frozenset({WRITE_DATA}),
        parameters=WriteQuery,
        families=_FAMILIES,
        methods=("PUT",),
        upload=take_upload,
    ),
)
