"""Tables over HTTP: read and written whole or by partition, all columns or some."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec import Struct, field

from tiledkernel import references
from tiledkernel.access.scopes import READ_DATA, WRITE_DATA
from tiledkernel.encoding import Encoding
from tiledkernel.errors import BadRequest, NotAllowed, Unprocessable
from tiledkernel.families.table.steady import Steady
from tiledkernel.media_types import ARROW_FILE
from tiledkernel.nodes.protocols import TableNode
from tiledkernel.nodes.writing import WritableTable
from tiledkernel.records import Route
from tiledkernel.server.answers import Message, Payload
from tiledkernel.server.preconditions import check_precondition
from tiledkernel.server.request import Request

UNKNOWN = 1 << 30  # bytes; more than is ever made on the event loop
MAX_UPLOAD = 1 << 30  # bytes that one request brings, as they travel and in memory
MAX_KEY = 255  # characters of an idempotency key
# By reference: pyarrow loads when a table is touched.
_PAYLOAD = "tiledkernel.families.table.payload:TablePayload"
_SCHEMA = "tiledkernel.families.table.payload:table_schema"
_DECODE = "tiledkernel.families.table.arrow_upload:decode_upload"


class FullQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a table read; `field` is the older name of `column`."""

    column: list[str] = field(default_factory=list)
    field: list[str] = field(default_factory=list)
    format: str | None = None
    filename: str | None = None


class PartitionQuery(FullQuery, frozen=True, kw_only=True):
    """Parameters of a partition read."""

    partition: int


class WriteQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a write; without `persist` the rows are looked at and not kept."""

    persist: bool = True


class WritePartitionQuery(WriteQuery, frozen=True, kw_only=True):
    """Parameters of a write to one partition."""

    partition: int


def read_full(request: Request) -> Payload:
    """All rows of a table, all columns or some, in the format asked for."""
    return _payload(request, range(request.entry.node.structure.npartitions))


def read_partition(request: Request) -> Payload:
    """The rows of one partition."""
    return _payload(request, [_partition(request)])


def write_full(request: Request) -> Message:
    """Replace all rows."""
    node, rows = _writing(request)
    if request.query.persist:
        node.write(rows)
    return Message(None)


def write_partition(request: Request) -> Message:
    """Replace the rows of one partition."""
    partition = _partition(request)
    node, rows = _writing(request)
    if request.query.persist:
        node.write_partition(partition, rows)
    return Message(None)


def append_partition(request: Request) -> Message:
    """Add rows to one partition; once for each `Idempotency-Key`, if the request has one."""
    partition = _partition(request)
    key = request.header(b"idempotency-key")
    if len(key) > MAX_KEY:
        raise BadRequest(f"an Idempotency-Key has at most {MAX_KEY} characters, this one has {len(key)}")
    node, rows = _writing(request)
    if request.query.persist:
        node.append_partition(partition, rows, key=key or None)
    return Message(None)


def take_upload(request: Request) -> int:
    """How many bytes a body may have; NotAllowed if the table cannot be written."""
    _writable(request)
    return MAX_UPLOAD


def _writing(request: Request) -> tuple[WritableTable, Any]:
    """The table, and the rows that the request brings, which fit it."""
    check_precondition(request)
    node = _writable(request)
    request.upload.require(ARROW_FILE)
    decode, schema_of = references.load(_DECODE), references.load(_SCHEMA)
    return node, decode(request.upload.data, schema_of(node), MAX_UPLOAD)


def _writable(request: Request) -> WritableTable:
    node = request.entry.node
    if not isinstance(node, WritableTable):
        raise NotAllowed(
            f"the table {request.entry.key!r} cannot be written: its data were registered, or are made by the server; "
            "write a new table instead",
            allow=("GET", "HEAD", "POST"),
        )
    return node


def _partition(request: Request) -> int:
    count, partition = request.entry.node.structure.npartitions, request.query.partition
    if not 0 <= partition < count:
        raise BadRequest(f"no partition {partition}: this table has {count}, numbered from 0")
    return int(partition)


def _columns(request: Request) -> list[str] | None:
    """The columns asked for, in the query or in the body; None for all."""
    query: FullQuery = request.query
    if query.column and query.field:
        raise BadRequest("'column' and its older name 'field' cannot be used together: use 'column'")
    if query.field:
        warnings.warn(
            "the query parameter 'field' of tables is deprecated: use 'column'", DeprecationWarning, stacklevel=2
        )
    if request.body is None:
        columns = [*query.column, *query.field]
        return list(dict.fromkeys(columns)) or None
    if not request.body:
        raise Unprocessable(
            "the list of columns is empty: name at least one, or send no body for all", "body", value=[]
        )
    return list(dict.fromkeys(request.body))


def _payload(request: Request, partitions: Sequence[int]) -> Payload:
    entry = request.entry
    node: TableNode = entry.node
    query = request.query
    columns = _columns(request)
    make = references.load(_PAYLOAD)
    source = node.steady() if isinstance(node, Steady) else node
    part = make(source, columns, partitions, request.service.settings.response_bytesize_limit)
    choice = request.service.negotiator.choose(node, query.format, request.header(b"accept"))
    encoding = Encoding(choice.media_type, entry.key, node.metadata, node.specs)
    stamp = entry.stamp()
    return Payload(
        media_type=choice.content_type,
        work=partial(choice.encode, part, encoding),
        stamp=None if stamp is None else (stamp, tuple(columns or ())),  # which a POST names outside the URL
        nbytes=_estimate(node, len(partitions)),
        filename=query.filename,
    )


def _estimate(node: TableNode, partitions: int) -> int:
    """Bytes of memory that reading needs, as far as one can tell beforehand: small only for what is in memory."""
    nbytes = getattr(node, "nbytes", None)
    return UNKNOWN if nbytes is None else int(nbytes * partitions // node.structure.npartitions)


_FAMILIES = frozenset({"table"})
_SCOPES = frozenset({READ_DATA})
_WRITING = frozenset({WRITE_DATA})

ROUTES = (
    Route(path="/table/full/{path}", handler=read_full, scopes=_SCOPES, parameters=FullQuery, families=_FAMILIES),
    Route(
        path="/table/full/{path}", handler=read_full, scopes=_SCOPES, parameters=FullQuery, families=_FAMILIES,
        methods=("POST",), body=list[str] | None,
    ),
    Route(
        path="/table/partition/{path}", handler=read_partition, scopes=_SCOPES, parameters=PartitionQuery,
        families=_FAMILIES,
    ),
    Route(
        path="/table/partition/{path}", handler=read_partition, scopes=_SCOPES, parameters=PartitionQuery,
        families=_FAMILIES, methods=("POST",), body=list[str] | None,
    ),
    *(
        Route(
            path=path, handler=write_full, scopes=_WRITING, parameters=WriteQuery, families=_FAMILIES,
            methods=("PUT",), upload=take_upload,
        )
        for path in ("/table/full/{path}", "/node/full/{path}")  # the second is the older name
    ),
    *(
        Route(
            path="/table/partition/{path}", handler=handler, scopes=_WRITING, parameters=WritePartitionQuery,
            families=_FAMILIES, methods=(method,), upload=take_upload,
        )
        for method, handler in (("PUT", write_partition), ("PATCH", append_partition))
    ),
)  # fmt: skip
