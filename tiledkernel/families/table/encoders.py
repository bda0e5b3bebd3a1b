"""Table formats of the kernel: Arrow, CSV, JSON by columns and by rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow

from tiledkernel import wire
from tiledkernel.encoding import Body, Encoding
from tiledkernel.families.table.arrow_file import arrow_file
from tiledkernel.families.table.csv_lines import csv_lines
from tiledkernel.families.table.dictionaries import holds_dictionary, with_one_dictionary
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.families.table.texts import ROWS


def encode_arrow(payload: TablePayload, encoding: Encoding) -> Body:
    """An Arrow IPC file (not a stream: with a footer), with the pandas metadata of the table."""
    del encoding
    if len(payload.partitions) > 1 and any(map(holds_dictionary, payload.schema.types)):
        # Of each column the format has one dictionary for all partitions.
        return arrow_file(payload.schema, [with_one_dictionary(payload.read())])
    return arrow_file(payload.schema, payload.tables())


def encode_csv(payload: TablePayload, encoding: Encoding) -> Body:
    """A header, unless `;header=absent`, and one line per row; no index. Text cells cannot start a formula."""
    header = encoding.parameter("header") != "absent"
    return csv_lines(payload, header=header)


def encode_json(payload: TablePayload, encoding: Encoding) -> Body:
    """One object: a list of values for each column; missing values, NaN and infinities are null."""
    del encoding
    return _json_columns(payload.read(), payload.index)


def _json_columns(table: pyarrow.Table, index: tuple[str, ...]) -> Iterator[bytes]:
    opening = b"{"
    for name in table.schema.names:
        if name in index:
            continue
        yield opening + wire.encode_json(name) + b":["
        column = table.column(name)
        for start in range(0, len(column), ROWS):
            yield b"," * (start > 0) + wire.encode_json(_json_values(column.slice(start, ROWS)))[1:-1]
        opening = b"],"
    yield b"{}" if opening == b"{" else b"]}"


def encode_json_seq(payload: TablePayload, encoding: Encoding) -> Body:
    """One object per row, as an RFC 7464 sequence, sent while it is made; an empty table is an empty body."""
    del encoding
    return _json_rows(payload)


def _json_rows(payload: TablePayload) -> Iterator[bytes]:
    for table in payload.tables():
        for start in range(0, table.num_rows, ROWS):
            columns = _columns(table.slice(start, ROWS), payload.index)
            names = list(columns)
            rows = zip(*columns.values(), strict=True)
            yield b"".join([b"\x1e" + wire.encode_json(dict(zip(names, row, strict=True))) + b"\n" for row in rows])


def _columns(table: pyarrow.Table, index: tuple[str, ...]) -> dict[str, list[Any]]:
    return {name: _json_values(table.column(name)) for name in table.schema.names if name not in index}


def _json_values(column: pyarrow.ChunkedArray[Any]) -> list[Any]:
    kind = column.type
    if pyarrow.types.is_floating(kind):
        values = column.to_numpy().astype(np.float64)
        if np.isfinite(values).all():
            return values.tolist()  # type: ignore[no-any-return] # a list of floats
        return [value if np.isfinite(value) else None for value in values.tolist()]
    if pyarrow.types.is_integer(kind) or pyarrow.types.is_boolean(kind) or pyarrow.types.is_string(kind):
        return column.to_pylist()
    return [_json_value(value) for value in column.to_pylist()]


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return wire.plain(value)
