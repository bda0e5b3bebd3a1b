"""Array formats of the kernel: raw bytes, JSON, CSV and text."""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tiledkernel.encoding import Body, Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.families.array.slabs import TARGET, divide
from tiledkernel.families.csv_text import line
from tiledkernel.slices import cut_shape
from tiledkernel.wire import BYTES_PREFIX

PIECE = 1 << 20  # bytes of data that are turned to text at a time
_NUMBERS = 10_000  # of these at a time: lists that stay in the processor's cache
_NAMES = {"f": {b"null": b"nan"}, "b": {b"true": b"True", b"false": b"False"}}  # JSON's, and those of CSV
_json = msgspec.json.Encoder()


def encode_bytes(payload: ArrayPayload, encoding: Encoding) -> Body:
    """The elements in C order, without a header; sent from where they are if they are contiguous in memory."""
    del encoding
    array = payload.direct()
    if array is not None:
        return as_buffer(array) if array.flags.c_contiguous else array.tobytes()
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
    return _json.encode(_to_lists(payload.read())) if payload.nbytes <= PIECE else _json_pieces(payload)


def _kinds(dtype: np.dtype[Any]) -> set[str]:
    """The letters of an element type, or of all fields of a record, however deep."""
    if dtype.fields is None:
        return {dtype.base.kind}
    return {kind for field, *_ in dtype.fields.values() for kind in _kinds(field.base)}


def _json_pieces(payload: ArrayPayload) -> Iterator[bytes]:
    """The lists, some elements at a time; a bracket stands wherever a row, a plane ... begins or ends."""
    spans = [math.prod(payload.shape[axis:]) for axis in range(len(payload.shape))]
    done = 0
    for piece in _pieces(payload):
        axis = next((axis for axis, length in enumerate(piece.shape) if length > 1), piece.ndim - 1)
        items = _json.encode(_to_lists(piece.reshape(piece.shape[axis:])))[1:-1]
        head = b"," * (done > 0) + b"[" * sum(done % span == 0 for span in spans[: axis + 1])
        done += piece.size
        yield head + items + b"]" * sum(done % span == 0 for span in spans[: axis + 1])


def _pieces(payload: ArrayPayload) -> Iterator[NDArray[Any]]:
    """The result in C order, in pieces whose text is not too large to be held."""
    size = max(1, PIECE // max(1, payload.dtype.itemsize))
    for slab in payload.slabs():
        for cut in divide(cut_shape((), slab.shape), size):
            yield slab[cut.index]


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
    done = 0  # cells of a row that is too long for one piece
    for piece in _pieces(payload):
        rows = piece if piece.ndim == 2 else piece.reshape(-1, 1)
        done = (done + rows.shape[1]) % columns if columns else 0
        end = b"," if done else b"\n"
        yield b"".join([text + end for text in _lines(rows)])


def _lines(rows: NDArray[Any]) -> Iterator[bytes]:
    """Lines without the end of the last: one by one, or, of numbers, many at a time."""
    kind = rows.dtype.kind
    if rows.dtype.fields is None and kind in "iufb" and not (kind == "f" and np.isinf(rows).any()):
        step = max(1, _NUMBERS // rows.shape[1])
        return (_number_lines(rows[start : start + step]) for start in range(0, len(rows), step))
    return (text.encode("utf-8", "replace") for text in _other_lines(rows))


def _number_lines(rows: NDArray[Any]) -> bytes:
    """As JSON has them, which is written much faster than by Python itself, but for the names of what is no number."""
    text = _json.encode(narrowed(rows).tolist())[2:-2].replace(b"],[", b"\n")
    for name, own in _NAMES.get(rows.dtype.kind, {}).items():
        text = text.replace(name, own)
    return text


def _other_lines(rows: NDArray[Any]) -> Iterator[str]:
    kind = rows.dtype.kind
    if rows.dtype.fields:
        rows = rows.astype(_spelled(rows.dtype))
        return (line([_text(value) for record in row for value in record]) for row in rows.tolist())
    if kind in "SU":
        return (line(map(_text, row)) for row in rows.tolist())
    if kind == "M":
        return map(",".join, _iso(rows))
    if kind == "V":
        return (",".join([bytes(value).hex() for value in row]) for row in rows.tolist())
    if kind in "cm":
        return map(",".join, rows.astype(str).tolist())
    return (",".join(map(repr, row)) for row in narrowed(rows).tolist())


def _spelled(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """A type for records whose dates and durations are texts: Python's own have no nanoseconds."""
    if dtype.fields is not None:
        return np.dtype([(name, _spelled(dtype.fields[name][0])) for name in dtype.names or ()])
    if dtype.subdtype is not None:
        return np.dtype((_spelled(dtype.subdtype[0]), dtype.subdtype[1]))
    return np.dtype("U40") if dtype.kind in "mM" else dtype


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, datetime.date) else str(value)
