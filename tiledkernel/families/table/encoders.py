"""Table formats of the kernel: Arrow, CSV, JSON by columns and by rows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.csv

from tiledkernel.encoding import Body, Encoding
from tiledkernel.families.csv_text import harmless, line
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.wire import plain

_json = msgspec.json.Encoder(enc_hook=str)
ROWS = 10_000  # rows that are turned to text at a time
_BARE = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
_QUOTED = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")


def encode_arrow(payload: TablePayload, encoding: Encoding) -> Body:
    """An Arrow IPC file (not a stream: with a footer), with the pandas metadata of the table."""
    del encoding
    sink = pyarrow.BufferOutputStream()
    schema = payload.schema
    with pyarrow.ipc.new_file(sink, schema) as writer:
        for table in payload.tables():
            writer.write_table(table if table.schema.equals(schema) else table.cast(schema))
    return memoryview(sink.getvalue())


def encode_csv(payload: TablePayload, encoding: Encoding) -> Body:
    """A header, unless `;header=absent`, and one line per row; no index. Text cells cannot start a formula."""
    header = encoding.parameter("header") != "absent"
    return _csv_lines(payload, header=header)


def _csv_lines(payload: TablePayload, *, header: bool) -> Iterator[bytes]:
    names = [name for name in payload.schema.names if name not in payload.index]
    if header:  # pyarrow would put every name in quotes
        yield f"{line(names)}\n".encode("utf-8", "replace")
    for table in payload.tables():
        for start in range(0, table.num_rows if names else 0, ROWS):
            rows = _texts(table.select(names).slice(start, ROWS))
            sink = io.BytesIO()
            pyarrow.csv.write_csv(rows, sink, _QUOTED if _needs_quotes(rows) else _BARE)
            yield sink.getvalue()


def _needs_quotes(table: pyarrow.Table) -> bool:
    """Whether a text holds what CSV needs quotes for, or a line would be empty."""
    alone = table.num_columns == 1
    texts = (column for column in table.columns if pyarrow.types.is_string(column.type))
    pattern = '^$|[",\\r\\n]' if alone else '[",\\r\\n]'
    return any(pyarrow.compute.any(pyarrow.compute.match_substring_regex(text, pattern)).as_py() for text in texts)


def _texts(table: pyarrow.Table) -> pyarrow.Table:
    """The table with every column in a type that CSV has, as pandas spells them."""
    alone = table.num_columns == 1
    for position, name in enumerate(table.schema.names):
        column = table.column(position)
        changed = _csv_column(column)
        if alone and changed.null_count:  # quotes keep the line from being empty, but nulls have none
            changed = changed.cast(pyarrow.string()).fill_null(pyarrow.scalar(""))
        if changed is not column:
            table = table.set_column(position, name, changed)
    return table


def _csv_column(column: pyarrow.ChunkedArray[Any]) -> pyarrow.ChunkedArray[Any]:
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
    return pyarrow.chunked_array(
        [["" if v is None else harmless(_text(v)) for v in column.to_pylist()]], pyarrow.string()
    )


def _csv_floats(column: pyarrow.ChunkedArray[Any]) -> pyarrow.ChunkedArray[Any]:
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
    return _json_columns(payload.read(), payload.index)


def _json_columns(table: pyarrow.Table, index: tuple[str, ...]) -> Iterator[bytes]:
    opening = b"{"
    for name in table.schema.names:
        if name in index:
            continue
        yield opening + _json.encode(name) + b":["
        column = table.column(name)
        for start in range(0, len(column), ROWS):
            yield b"," * (start > 0) + _json.encode(_json_values(column.slice(start, ROWS)))[1:-1]
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
            yield b"".join([b"\x1e" + _json.encode(dict(zip(names, row, strict=True))) + b"\n" for row in rows])


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
    return plain(value)
