"""Array formats of the kernel: raw bytes, JSON, CSV and text."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tiledkernel.encoding import Body, Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.array.payload import SLAB, ArrayPayload
from tiledkernel.wire import BYTES_PREFIX

_json = msgspec.json.Encoder()


def encode_bytes(payload: ArrayPayload, encoding: Encoding) -> Body:
    """The elements in C order, without a header; sent from where they are if they are contiguous in memory."""
    del encoding
    array = payload.direct()
    if array is not None:
        return as_buffer(array)
    if payload.nbytes <= SLAB:
        return as_buffer(payload.read())
    return (as_buffer(slab) for slab in payload.slabs())


def as_buffer(array: NDArray[Any]) -> memoryview:
    """The memory of a C-contiguous array; dates, strings and records have no buffer of their own type."""
    if array.size == 0:
        return memoryview(b"")
    return memoryview(array.reshape(-1).view(np.uint8))


def encode_json(payload: ArrayPayload, encoding: Encoding) -> Body:
    """Nested lists; NaN, infinities and NaT are null, dates ISO texts, byte strings data URIs, records lists."""
    del encoding
    _refuse_json(payload.dtype)
    return _json.encode(_to_lists(payload.read()))


def _refuse_json(dtype: np.dtype[Any]) -> None:
    kinds = {field[0].base.kind for field in dtype.fields.values()} if dtype.fields else {dtype.kind}
    for kind, name in (("c", "complex numbers"), ("m", "time differences")):
        if kind in kinds:
            raise NotAcceptable(f"JSON cannot hold {name}: ask for application/octet-stream")


def _to_lists(array: NDArray[Any]) -> Any:
    kind = array.dtype.kind
    if array.dtype.fields:
        names = array.dtype.names or ()
        columns = [_to_lists(array[name]) for name in names]
        return _zip_records(columns, array.ndim)
    if kind == "M":
        return _map(lambda text: None if text == "NaT" else text, np.datetime_as_string(array).tolist())
    if kind == "S":
        return _map(lambda data: BYTES_PREFIX + base64.b64encode(data).decode(), array.tolist())
    if kind == "V":
        return _map(lambda data: BYTES_PREFIX + base64.b64encode(bytes(data)).decode(), array.tolist())
    return array.tolist()


def _map(function: Any, value: Any) -> Any:
    return [_map(function, item) for item in value] if isinstance(value, list) else function(value)


def _zip_records(columns: list[Any], depth: int) -> Any:
    """Lists of each field's values, as lists of records."""
    if depth == 0:
        return columns
    return [_zip_records(list(record), depth - 1) for record in zip(*columns, strict=True)]


def encode_csv(payload: ArrayPayload, encoding: Encoding) -> Body:
    """One row per line, no header; at most two dimensions. Text cells cannot start a formula."""
    del encoding
    if len(payload.shape) > 2:
        raise NotAcceptable(
            f"text has rows and columns, this selection has the shape {payload.shape}: choose a plane, such as slice=0"
        )
    return _csv_rows(payload)


def _csv_rows(payload: ArrayPayload) -> Iterator[bytes]:
    for slab in payload.slabs(SLAB // 4):
        rows = slab.reshape(-1, 1) if slab.ndim < 2 else slab
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(_cells(rows))
        yield text.getvalue().encode()


def _cells(rows: NDArray[Any]) -> list[list[Any]]:
    kind = rows.dtype.kind
    if rows.dtype.fields:
        return [[str(cell) for cell in row] if rows.shape[1] > 1 else list(row[0]) for row in rows.tolist()]
    if kind == "M":
        return np.datetime_as_string(rows).tolist()  # type: ignore[no-any-return] # lists of texts
    if kind == "S":
        return [[harmless(cell.decode("utf-8", "replace")) for cell in row] for row in rows.tolist()]
    if kind == "U":
        return [[harmless(cell) for cell in row] for row in rows.tolist()]
    if kind in "cmV":
        return rows.astype(str).tolist()  # type: ignore[no-any-return] # lists of texts
    return rows.tolist()  # type: ignore[no-any-return] # lists of numbers


def harmless(text: str) -> str:
    """A cell that a spreadsheet takes for text: one that looks like a formula gets an apostrophe in front."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
