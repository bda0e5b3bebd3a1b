"""Metadata of arrays that are to be stored: from what the kernel says of an array to a `zarr.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import structs

from tiled_zarr.codecs import Layout, undo_zstd
from tiled_zarr.encoding import LEVEL
from tiled_zarr.metadata import ArrayMetadata, KeyEncoding
from tiledkernel.blocks import Chunks, choose_chunk
from tiledkernel.errors import Unprocessable
from tiledkernel.families.array.dtypes import from_numpy, to_numpy
from tiledkernel.families.array.structure import ArrayStructure, DataType

NUMPY_DTYPE = "_numpy_dtype"  # the attribute that says what elements are for which version 3 has no name
MAX_CHUNKS = 10_000_000
MAX_NDIM = 32
MAX_CHUNK = 1 << 30  # bytes
MAX_BYTES = 1 << 60
MAX_ITEMSIZE = 1 << 24  # bytes
MAX_FIELDS = 4096  # of a record, with those of records in it
MAX_DIM = 1024  # characters of the name of an axis
_GROWING = 1 << 40  # the length that an empty axis may come to have, as far as chunks are concerned
_SMALL = 64 << 10  # bytes; an array in one chunk of less may grow to as many before it takes another file
_KEYS = KeyEncoding("c", ".")  # one folder to flush

_NAMES = {"b1": "bool"} | {
    f"{letter}{size}": f"{name}{size * 8}"
    for letter, name, sizes in (
        ("i", "int", (1, 2, 4, 8)), ("u", "uint", (1, 2, 4, 8)), ("f", "float", (2, 4, 8)), ("c", "complex", (8, 16)),
    )
    for size in sizes
}  # fmt: skip


def checked_structure(structure: ArrayStructure) -> ArrayStructure:
    """A structure that somebody sent; Unprocessable says why no array can have it."""
    described = structure.data_type
    if (count := _fields_of(described)) > MAX_FIELDS:
        raise _refused(f"records of {count} fields cannot be stored, at most {MAX_FIELDS} are: write a table")
    try:
        dtype = to_numpy(described)
        sound = (
            not dtype.hasobject and dtype.itemsize == described.itemsize and from_numpy(dtype).kind == described.kind
        )
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, MemoryError, SyntaxError):
        sound = False
    if not sound or not 1 <= described.itemsize <= MAX_ITEMSIZE:
        raise _refused(
            f"{_shown(described)} is no element type that can be stored: expected a number, a date, a text of fixed "
            f"width or a record of such, of 1 to {MAX_ITEMSIZE:_} bytes"
        )
    if structure.dims is not None and len(structure.dims) != len(structure.shape):
        raise _refused(f"dims {structure.dims[:40]} do not fit {len(structure.shape)} axes: name each of them")
    if any(len(name) > MAX_DIM for name in structure.dims or ()):
        raise _refused(f"the names of axes have at most {MAX_DIM} characters")
    return structs.replace(structure, resizable=False)


def _fields_of(described: DataType) -> int:
    """How many fields a record has, with those of records in it."""
    found, pending = 0, [described]
    while pending:
        fields = pending.pop().fields
        if fields is not msgspec.UNSET:
            found += len(fields)
            pending += [field.dtype for field in fields]
    return found


def _shown(described: Any) -> str:
    text = str(msgspec.to_builtins(described)) if described.fields is msgspec.UNSET else "this record"
    return text if len(text) <= 200 else f"{text[:197]}..."


def stored_metadata(structure: ArrayStructure, chunk: tuple[int, ...]) -> ArrayMetadata:
    """What `describe_zarr` says of an array, without the way over its text."""
    dtype = to_numpy(structure.data_type)
    layout = Layout(dtype, chunk, tuple(range(len(chunk))), (undo_zstd,))
    fill = np.array("NaT", dtype) if dtype.kind in "mM" else np.zeros((), dtype)
    return ArrayMetadata(structure.shape, chunk, dtype, fill, {}, structure.dims, _KEYS, layout, "zstd", "zstd", 3)


def chunk_to_store(structure: ArrayStructure) -> tuple[int, ...]:
    """The shape of the chunks in which an array is stored: its own, if they are regular, else some of a few MiB.

    Unprocessable if the array, its chunks or their number are more than can be meant.
    """
    shape, itemsize = structure.shape, structure.data_type.itemsize
    if len(shape) > MAX_NDIM or any(not 0 <= length < 1 << 62 for length in shape):
        raise _refused(f"shape {list(shape)[:40]} cannot be stored: expected at most {MAX_NDIM} lengths, 0 or more")
    if itemsize < 1 or structure.nbytes > MAX_BYTES:
        raise _refused(f"an array of {structure.nbytes:_} bytes cannot be stored: at most {MAX_BYTES:_} are")
    sums = tuple(map(sum, structure.chunks))
    if sums != shape or any(length < 0 for lengths in structure.chunks for length in lengths):
        raise _refused(f"chunks that add up to {list(sums)[:40]} do not fit the shape {list(shape)}")
    if (count := math.prod(map(len, structure.chunks))) > MAX_CHUNKS:
        raise _too_many(count, "these lengths")
    chunk = _regular(structure.chunks)
    if chunk is None or 0 in chunk:
        chunk = choose_chunk(tuple(length or _GROWING for length in shape), itemsize)
    elif chunk and len(structure.chunks[0]) == 1:
        row = math.prod(chunk[1:]) * itemsize
        chunk = (max(chunk[0], _SMALL // row), *chunk[1:])
    check_size(shape, chunk, itemsize)
    return chunk


def check_size(shape: Sequence[int], chunk: Sequence[int], itemsize: int) -> None:
    """Unprocessable if there are too many chunks, or if they are too large."""
    count = math.prod(-(-length // step) for length, step in zip(shape, chunk, strict=True))
    if count > MAX_CHUNKS:
        raise _too_many(count, str(list(chunk)))
    if math.prod(chunk) * itemsize > MAX_CHUNK:
        raise _refused(
            f"chunks of {list(chunk)} have {math.prod(chunk) * itemsize:_} bytes, at most {MAX_CHUNK:_} are stored: "
            "choose smaller ones, of 1 to 8 MiB"
        )


def _too_many(count: int, lengths: str) -> Unprocessable:
    return _refused(
        f"{count:_} chunks of {lengths} are too many, at most {MAX_CHUNKS:_} are stored: choose larger ones, of 1 to "
        "8 MiB"
    )


def _refused(message: str) -> Unprocessable:
    return Unprocessable(message, "body", "data_sources", "structure")


def _regular(chunks: Chunks) -> tuple[int, ...] | None:
    """The chunk shape, if all chunks but the last of each axis are equal and that one is not larger."""
    if any(not lengths or len(set(lengths[:-1])) > 1 or lengths[-1] > lengths[0] for lengths in chunks):
        return None
    return tuple(lengths[0] for lengths in chunks)


def describe_zarr(structure: ArrayStructure, chunk: Sequence[int], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a `zarr.json` for an array whose chunks rest as Zstandard alone."""
    dtype = to_numpy(structure.data_type)
    data_type = _data_type(dtype)
    attributes = dict(attributes)
    if data_type is None:
        data_type = {"name": "raw_bytes", "configuration": {"length_bytes": dtype.itemsize}}
        attributes[NUMPY_DTYPE] = _described(dtype)
    endian = {} if dtype.byteorder == "|" else {"endian": "big" if dtype.byteorder == ">" else "little"}
    described = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(structure.shape),
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": _KEYS.separator}},
        "fill_value": _fill(dtype, data_type),
        "codecs": [
            {"name": "bytes", "configuration": endian} if endian else {"name": "bytes"},
            {"name": "zstd", "configuration": {"level": LEVEL, "checksum": True}},
        ],
        "attributes": attributes,
        "storage_transformers": [],
    }
    if structure.dims is not None:
        described["dimension_names"] = list(structure.dims)
    return described


def to_json(described: Mapping[str, Any]) -> bytes:
    """The bytes of a metadata file."""
    return json.dumps(described).encode()  # on one line, which takes no time


def _data_type(dtype: np.dtype[Any]) -> Any:
    """The name that version 3 has for an element type; None if it has none that says all there is to say."""
    if dtype.fields is not None:
        fields = [(name, dtype.fields[name][0]) for name in dtype.names or ()]
        described = [[name, None if inner.byteorder == ">" else _data_type(inner)] for name, inner in fields]
        if any(inner is None for _, inner in described):
            return None
        return {"name": "structured", "configuration": {"fields": described}}
    if dtype.kind in "mM":
        unit, count = np.datetime_data(dtype)
        kind = "datetime64" if dtype.kind == "M" else "timedelta64"
        return {"name": f"numpy.{kind}", "configuration": {"unit": unit, "scale_factor": count}}
    named = {"U": "fixed_length_utf32", "S": "null_terminated_bytes", "V": "raw_bytes"}.get(dtype.kind)
    if named is not None and dtype.subdtype is None:
        return {"name": named, "configuration": {"length_bytes": dtype.itemsize}}
    return None if dtype.subdtype is not None else _NAMES.get(f"{dtype.kind}{dtype.itemsize}")


def _described(dtype: np.dtype[Any]) -> Any:
    """A type as version 2 writes it, which has the order of bytes and arrays in fields."""
    if dtype.fields is None:
        return dtype.str
    fields: list[list[Any]] = []
    for name in dtype.names or ():
        inner = dtype.fields[name][0]
        base, shape = inner.subdtype if inner.subdtype is not None else (inner, ())
        fields.append([name, _described(base), *([list(shape)] if shape else [])])
    return fields


def _fill(dtype: np.dtype[Any], data_type: Any) -> Any:
    if isinstance(data_type, str):
        return {"b": False, "c": [0.0, 0.0], "f": 0.0}.get(dtype.kind, 0)
    if dtype.kind in "mM":
        return int(np.array("NaT", dtype).astype(dtype.newbyteorder("=")).view("i8"))
    return "" if dtype.kind in "US" else _zeros(dtype.itemsize)


def _zeros(count: int) -> str:
    """Base64 of so many zero bytes."""
    full, rest = divmod(count, 3)
    return "AAAA" * full + ("", "AA==", "AAA=")[rest]
