"""Array formats of the kernel: raw bytes, JSON, CSV and text."""

from __future__ import annotations

import base64
import csv
import datetime
import io
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tiledkernel.encoding import Body, Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.families.array.slabs import TARGET
from tiledkernel.wire import BYTES_PREFIX

_json = msgspec.json.Encoder()


def encode_bytes(payload: ArrayPayload, encoding: Encoding) -> Body:
    """The elements in C order, without a header; sent from where they are if they are contiguous in memory."""
    del encoding
    array = payload.direct()
    if array is not None:
        return as_buffer(array)
    if payload.nbytes <= TARGET:
        return as_buffer(payload.read())
    return (as_buffer(slab) for slab in payload.slabs())


def as_buffer(array: NDArray[Any]) -> memoryview:
    """The memory of a C-contiguous array; dates, strings and records have no buffer of their own type."""
    if array.nbytes == 0:
        return memoryview(b"")
    return memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type] # numpy's types hide the buffer


def encode_json(payload: ArrayPayload, encoding: Encoding) -> Body:
    """Nested lists; NaN, infinities and NaT are null, dates ISO texts, byte strings data URIs, records lists."""
    del encoding
    for kind, name in (("c", "complex numbers"), ("m", "time differences")):
        if kind in _kinds(payload.dtype):
            raise NotAcceptable(f"JSON cannot hold {name}: ask for application/octet-stream")
    if payload.nbytes <= SLAB // 4:
        return _json.encode(_to_lists(payload.read()))
    return _json_pieces(payload, payload.cut)


def _kinds(dtype: np.dtype[Any]) -> set[str]:
    """The letters of an element type, or of all fields of a record, however deep."""
    if dtype.fields is None:
        return {dtype.base.kind}
    return {kind for field, *_ in dtype.fields.values() for kind in _kinds(field.base)}


def _json_pieces(payload: ArrayPayload, cut: Cut) -> Iterator[bytes]:
    """The lists of a cut, some rows at a time."""
    rows = max(1, SLAB // 4 // max(1, payload.dtype.itemsize * cut.size // max(1, cut.shape[0])))
    whole_rows = rows > 1 or len(cut.shape) == 1
    yield b"["
    for start in range(0, cut.shape[0], rows):
        part = narrow(cut, 0, start, min(start + rows, cut.shape[0]))
        if start:
            yield b","
        if whole_rows:
            yield _json.encode(_to_lists(payload.read_part(part)))[1:-1]
        else:
            yield from _json_pieces(payload, drop_first_axis(part))
    yield b"]"


def _to_lists(array: NDArray[Any]) -> Any:
    kind = array.dtype.kind
    if array.dtype.fields:
        names = array.dtype.names or ()
        columns = [_to_lists(array[name]) for name in names]
        return _zip_records(columns, array.ndim)
    if kind == "M":
        return _map(lambda text: None if text == "NaT" else text, _iso(array))
    if kind in "SV":
        return _map(lambda data: BYTES_PREFIX + base64.b64encode(bytes(data)).decode(), array.tolist())
    return narrowed(array).tolist()


def _iso(array: NDArray[Any]) -> Any:
    return np.datetime_as_string(array.astype(array.dtype.newbyteorder("="))).tolist()  # it ignores the byte order


def narrowed(array: NDArray[Any]) -> NDArray[Any]:
    """Numbers that Python has: wider floats lose their last digits."""
    return array.astype(np.float64) if array.dtype.kind == "f" and array.dtype.itemsize > 8 else array


def _map(function: Any, value: Any) -> Any:
    return [_map(function, item) for item in value] if isinstance(value, list) else function(value)


def _zip_records(columns: list[Any], depth: int) -> Any:
    """Lists of each field's values, as lists of records."""
    if depth == 0:
        return columns
    return [_zip_records(list(record), depth - 1) for record in zip(*columns, strict=True)]


def encode_csv(payload: ArrayPayload, encoding: Encoding) -> Body:
    """One row per line, no header; at most two dimensions. Text cells cannot start a formula.

    A record is a row with one cell for each field.
    """
    del encoding
    if len(payload.shape) > 2:
        raise NotAcceptable(
            f"text has rows and columns, this selection has the shape {payload.shape}: choose a plane, such as slice=0"
        )
    return _csv_rows(payload)


def _csv_rows(payload: ArrayPayload) -> Iterator[bytes]:
    columns = payload.shape[1] if len(payload.shape) == 2 else 1
    done = 0  # cells of a row that is too long for one slab
    for slab in payload.slabs(SLAB // 4):
        rows = slab if slab.ndim == 2 else slab.reshape(-1, 1)
        done = (done + rows.shape[1]) % columns if columns else 0
        text = io.StringIO()
        csv.writer(text, lineterminator="," if done else "\n").writerows(_cells(rows))
        yield text.getvalue().encode("utf-8", "replace")


def _cells(rows: NDArray[Any]) -> list[list[Any]]:
    kind = rows.dtype.kind
    if rows.dtype.fields:
        return [[_cell(value) for record in row for value in record] for row in rows.tolist()]
    if kind == "M":
        return _iso(rows)  # type: ignore[no-any-return] # lists of texts
    if kind in "SU":
        return [[_cell(value) for value in row] for row in rows.tolist()]
    if kind in "cmV":
        return rows.astype(str).tolist()  # type: ignore[no-any-return] # lists of texts
    return narrowed(rows).tolist()  # type: ignore[no-any-return] # lists of numbers


def _cell(value: Any) -> Any:
    """A value of any kind as a number or a harmless text."""
    if isinstance(value, bytes):
        return harmless(value.decode("utf-8", "replace"))
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value if isinstance(value, (int, float)) else harmless(str(value))


def harmless(text: str) -> str:
    """A cell that a spreadsheet takes for text: one that looks like a formula gets an apostrophe in front."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
