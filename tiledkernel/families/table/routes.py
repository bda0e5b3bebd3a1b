"""Reading tables over HTTP: whole or by partition, all columns or some."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial

from msgspec import Struct, field

from tiledkernel import references
from tiledkernel.access.scopes import READ_DATA
from tiledkernel.encoding import Encoding
from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.nodes.protocols import TableNode
from tiledkernel.records import Route
from tiledkernel.server.answers import Payload
from tiledkernel.server.request import Request

UNKNOWN = 1 << 30  # bytes; more than is ever made on the event loop
_PAYLOAD = "tiledkernel.families.table.payload:TablePayload"  # by reference: pyarrow loads when a table is touched


class FullQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a table read; `field` is the older name of `column`."""

    column: list[str] = field(default_factory=list)
    field: list[str] = field(default_factory=list)
    format: str | None = None
    filename: str | None = None


class PartitionQuery(FullQuery, frozen=True, kw_only=True):
    """Parameters of a partition read."""

    partition: int


def read_full(request: Request) -> Payload:
    """All rows of a table, all columns or some, in the format asked for."""
    return _payload(request, range(request.entry.node.structure.npartitions))


def read_partition(request: Request) -> Payload:
    """The rows of one partition."""
    count = request.entry.node.structure.npartitions
    partition = request.query.partition
    if not 0 <= partition < count:
        raise BadRequest(f"no partition {partition}: this table has {count}, numbered from 0")
    return _payload(request, [partition])


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
    part = make(node, columns, partitions, request.service.settings.response_bytesize_limit)
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
)  # fmt: skip
