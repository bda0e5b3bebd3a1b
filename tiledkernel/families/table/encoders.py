"""Table formats of the kernel: Arrow, CSV, JSON by columns and by rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.csv

from tiledkernel.encoding import Body, Encoding
from tiledkernel.families.array.encoders import harmless
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.wire import plain

_json = msgspec.json.Encoder(enc_hook=str)
ROWS = 10_000  # rows that are turned to text at a time


def encode_arrow(payload: TablePayload, encoding: Encoding) -> Body:
    """An Arrow IPC file (not a stream: with a footer), with the pandas metadata of the table."""
    del encoding
    sink = pyarrow.BufferOutputStream()
    tables = payload.tables()
    first = next(tables)
    with pyarrow.ipc.new_file(sink, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table.cast(first.schema))
    return memoryview(sink.getvalue())


def encode_csv(payload: TablePayload, encoding: Encoding) -> Body:
    """A header, unless `;header=absent`, and one line per row; no index. Text cells cannot start a formula."""
    header = encoding.parameter("header") != "absent"
    return _csv_lines(payload, header=header)


def _csv_lines(payload: TablePayload, *, header: bool) -> Iterator[bytes]:
    if header:  # pyarrow would put every name in quotes
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow([name for name in payload.schema.names if name not in payload.index])
        yield text.getvalue().encode()
    for table in payload.tables():
        data = _texts(table.drop_columns([name for name in payload.index if name in table.schema.names]))
        for start in range(0, data.num_rows, ROWS):
            sink = io.BytesIO()
            rows = data.slice(start, ROWS)
            quoting = "needed" if _has_special_characters(rows) else "none"
            pyarrow.csv.write_csv(rows, sink, pyarrow.csv.WriteOptions(include_header=False, quoting_style=quoting))
            yield sink.getvalue()


def _has_special_characters(table: pyarrow.Table) -> bool:
    """Whether a text holds what CSV needs quotes for."""
    texts = (column for column in table.columns if pyarrow.types.is_string(column.type))
    return any(pyarrow.compute.any(pyarrow.compute.match_substring_regex(text, '[",\\r\\n]')).as_py() for text in texts)


def _texts(table: pyarrow.Table) -> pyarrow.Table:
    """The table with every column in a type that CSV has, as pandas spells them."""
    for position, name in enumerate(table.schema.names):
        column = table.column(position)
        changed = _csv_column(column)
        if changed is not column:
            table = table.set_column(position, name, changed)
    return table


def _csv_column(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        return _csv_column(column.cast(kind.value_type))
    if pyarrow.types.is_boolean(kind):
        return pyarrow.chunked_array([["" if v is None else str(v) for v in column.to_pylist()]], pyarrow.string())
    if pyarrow.types.is_floating(kind):
        return _csv_floats(column)
    if pyarrow.types.is_integer(kind) or pyarrow.types.is_date(kind):
        return column
    if pyarrow.types.is_timestamp(kind):
        return pyarrow.chunked_array([[_date_text(v) for v in column.to_pylist()]], pyarrow.string())
    return pyarrow.chunked_array([["" if v is None else harmless(_text(v)) for v in column.to_pylist()]], pyarrow.string())


def _csv_floats(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """Missing values are empty cells; numbers that all happen to be whole keep a '.0', so that they stay floats."""
    values = column.to_numpy()
    finite = values[np.isfinite(values)]
    if len(finite) and (finite == np.trunc(finite)).all():
        texts = [None if value != value else repr(value) for value in values.astype(np.float64).tolist()]  # noqa: PLR0124 - NaN
        return pyarrow.chunked_array([texts], pyarrow.string())
    return column if len(finite) == len(values) else pyarrow.chunked_array([pyarrow.array(values, from_pandas=True)])


def _date_text(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    return text.removesuffix(" 00:00:00") if getattr(value, "tzinfo", None) is None else text


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def encode_json(payload: TablePayload, encoding: Encoding) -> Body:
    """One object: a list of values for each column; missing values, NaN and infinities are null."""
    del encoding
    return _json.encode(_columns(payload.read(), payload.index))


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
            yield b"".join([b"\x1e" + _json.encode(dict(zip(names, row, strict=True))) + b"\n" for row in rows])


def _columns(table: pyarrow.Table, index: tuple[str, ...]) -> dict[str, list[Any]]:
    return {name: _json_values(table.column(name)) for name in table.schema.names if name not in index}


def _json_values(column: pyarrow.ChunkedArray) -> list[Any]:
    kind = column.type
    if pyarrow.types.is_floating(kind):
        values = column.to_numpy().astype(np.float64)
        if np.isfinite(values).all():
            return values.tolist()  # type: ignore[no-any-return] # a list of floats
        return [value if np.isfinite(value) else None for value in values.tolist()]
    if pyarrow.types.is_integer(kind) or pyarrow.types.is_boolean(kind) or pyarrow.types.is_string(kind):
        return column.to_pylist()  # type: ignore[no-any-return] # a list of plain values
    return [_json_value(value) for value in column.to_pylist()]


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return plain(value)
