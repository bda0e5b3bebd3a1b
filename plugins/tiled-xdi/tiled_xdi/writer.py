"""Tables as XDI: the header from the metadata, then a line of numbers for each row, sent while the table is read."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from tiled_xdi.header import header_lines
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.families.table.texts import as_texts, body_of, column_names, join, partitions, pieces


def encode(payload: TablePayload, context: Encoding) -> Iterator[bytes | memoryview]:
    """An XDI file; NotAcceptable names a column that does not hold numbers. Missing values are 'nan'."""
    names = column_names(payload)
    if not names:
        raise NotAcceptable("XDI holds columns of numbers, and this table has none: ask for application/json")
    for name in names:
        _check(name, payload.schema.field(name).type)
    return _lines(payload, names, context)


def _check(name: str, kind: pa.DataType) -> None:
    types = pa.types
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)):
        raise NotAcceptable(
            f"XDI holds columns of numbers, and {name!r} holds {kind}: choose others with 'column=', "
            "or ask for text/csv"
        )


def _lines(payload: TablePayload, names: list[str], context: Encoding) -> Iterator[bytes | memoryview]:
    yield "".join(f"{line}\n" for line in header_lines(context.metadata, names)).encode("utf-8", "replace")
    for table in partitions(payload):
        for piece in pieces(table):
            columns = [as_texts(column).fill_null("nan") for column in piece.columns]
            separated = [part for column in columns for part in ("  ", column)]
            yield body_of(join(*separated, "\n"))
