"""Formats in which awkward and ragged arrays leave for other programs: JSON, Arrow and Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import awkward
import msgspec
import numpy as np
import pyarrow
from pyarrow import parquet

from tiledkernel.encoding import Body, Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.wire import encode_json as encode_message
from tiledkernel.wire import plain

ROWS = 10_000  # rows that are turned to text at a time


class Nested(Protocol):
    """What these encoders ask of a payload."""

    def array(self) -> Any:
        """The selected part, as an awkward array, or a single number."""


def _leaf(value: Any) -> Any:
    if isinstance(value, complex):
        raise NotAcceptable("JSON cannot hold complex numbers: ask for application/zip")
    return plain(value)


_json = msgspec.json.Encoder(enc_hook=_leaf)


def encode_json(payload: Nested, encoding: Encoding) -> Body:
    """Nested lists; records are objects, missing values, NaN and infinities null, dates ISO texts."""
    del encoding
    array = payload.array()
    if not isinstance(array, awkward.Array):
        return _json.encode(plain(array))
    return _json_lists(array) if len(array) > ROWS else _rows(array)


def _json_lists(array: awkward.Array) -> Iterator[bytes]:
    for start in range(0, len(array), ROWS):
        yield (b"," if start else b"[") + _rows(array[start : start + ROWS])[1:-1]
    yield b"]"


def _rows(array: awkward.Array) -> bytes:
    rows = array.to_list()
    if "bytestring" in array.layout.form.to_json():  # bytes become data URIs, as in the metadata
        return encode_message(plain(rows))
    return _json.encode(rows)


def encode_arrow(payload: Nested, encoding: Encoding) -> Body:
    """An Arrow IPC file with one column of nested lists, or one for each field of records."""
    del encoding
    table = _table(payload)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def encode_parquet(payload: Nested, encoding: Encoding) -> Body:
    """A Parquet file with the same columns."""
    del encoding
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(_table(payload), sink)
    return memoryview(sink.getvalue())


def _table(payload: Nested) -> pyarrow.Table:
    array = payload.array()
    if not isinstance(array, awkward.Array):
        raise NotAcceptable("a single number is no table: ask for application/json")
    return _nullable(awkward.to_arrow_table(awkward.transform(_without_nat, array)))


def _nullable(table: pyarrow.Table) -> pyarrow.Table:
    """With columns of no rows declared as possibly missing: they may have no type, which readers take for that."""
    if table.num_rows:
        return table
    metadata: Any = table.schema.metadata
    fields = [field.with_nullable(True) for field in table.schema]  # noqa: FBT003 - the method has no other argument
    return pyarrow.Table.from_arrays(table.columns, schema=pyarrow.schema(fields, metadata))


def _without_nat(layout: Any, **_: Any) -> Any:
    """Dates and time differences of which some are NaT, with these missing, as Arrow has it; None for other nodes."""
    if not layout.is_numpy or layout.dtype.kind not in "mM":
        return None
    if layout.purelist_depth > 1:
        return awkward.transform(_without_nat, awkward.Array(layout.to_RegularArray())).layout
    missing = np.isnat(np.asarray(layout.data))
    if not missing.any():
        return None
    index = awkward.index.Index64(np.where(missing, -1, np.arange(len(missing))))
    return awkward.contents.IndexedOptionArray(index, layout)
