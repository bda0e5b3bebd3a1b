"""Arrays and groups of Zarr version 3: `zarr.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numcodecs.vlen import VLenBytes, VLenUTF8

from tiled_zarr.codecs import UNDO, Layout
from tiled_zarr.describing import NUMPY_DTYPE
from tiled_zarr.elements import TEXT, Order, dtype_of_v2, dtype_of_v3, fill_value, named
from tiled_zarr.metadata import ArrayMetadata, KeyEncoding, attributes_in, dimension_names
from tiled_zarr.shards import Shard

_ORDERS: Mapping[str, Order] = {"little": "<", "big": ">"}
_TEXT_CODECS = {"vlen-utf8": VLenUTF8, "vlen-bytes": VLenBytes}
_AT_REST = ("gzip", "zstd")


class UnknownCodec(Exception):
    """A codec that is not undone here; the library may know it."""


def parse_v3(described: Mapping[str, Any]) -> ArrayMetadata:
    """What the `zarr.json` of an array says; ValueError, TypeError or KeyError if it cannot be understood."""
    if described["zarr_format"] != 3 or described["node_type"] != "array":
        raise ValueError(f"version {described['zarr_format']!r}, kind {described['node_type']!r} is not known")
    shape = tuple(map(int, described["shape"]))
    grid, configuration = named(described["chunk_grid"])
    if grid != "regular":
        raise ValueError(f"a chunk grid of kind {grid!r} cannot be read")
    chunk = tuple(max(1, int(length)) for length in configuration["chunk_shape"])
    codecs = [named(codec) for codec in described["codecs"]]
    attributes = dict(attributes_in(described.get("attributes")))
    dtype = dtype_of_v3(described["data_type"], _order_of(codecs))
    if dtype.kind == "V" and NUMPY_DTYPE in attributes:
        dtype = _said_by_attribute(attributes.pop(NUMPY_DTYPE), dtype)
    if described.get("storage_transformers"):
        raise ValueError(f"storage transformers {described['storage_transformers']!r} cannot be read")
    try:
        storage = _storage(codecs, dtype, chunk)
    except UnknownCodec:
        storage = None
    names = described.get("dimension_names")
    return ArrayMetadata(
        shape,
        chunk,
        dtype,
        fill_value(described.get("fill_value"), dtype),
        attributes,
        dimension_names(attributes.get("_ARRAY_DIMENSIONS") if names is None else names, len(shape)),
        _keys(described["chunk_key_encoding"]),
        storage,
        _coding(codecs, storage),
        codecs[-1][0],
        3,
    )


def _said_by_attribute(described: Any, stored: Any) -> Any:
    dtype = dtype_of_v2(described)
    if dtype.itemsize != stored.itemsize:
        raise ValueError(f"{described!r} is no type of {stored.itemsize} bytes")
    return dtype


def _keys(described: Any) -> KeyEncoding:
    name, configuration = named(described)
    if name not in ("default", "v2"):
        raise ValueError(f"chunk keys of kind {name!r} cannot be read")
    separator = str(configuration.get("separator", "/" if name == "default" else "."))
    if separator not in (".", "/"):
        raise ValueError(f"{separator!r} cannot stand between the numbers of a chunk")
    return KeyEncoding("c" if name == "default" else "", separator)


def _order_of(codecs: Sequence[tuple[str, Mapping[str, Any]]]) -> Order:
    """The byte order in which elements rest, which lies in the codec that makes bytes of them."""
    for name, configuration in codecs:
        if name == "bytes":
            return _ORDERS[configuration.get("endian", "little")]
        if name == "sharding_indexed":
            return _order_of([named(codec) for codec in configuration["codecs"]])
    return "<"


def _storage(codecs: Sequence[tuple[str, Mapping[str, Any]]], dtype: Any, chunk: tuple[int, ...]) -> Layout | Shard:
    if codecs and codecs[0][0] == "sharding_indexed":
        return _shard(codecs, dtype, chunk)
    axes = tuple(range(len(chunk)))
    position = 0
    while position < len(codecs) and codecs[position][0] == "transpose":
        axes = tuple(axes[int(axis)] for axis in codecs[position][1]["order"])
        position += 1
    if sorted(axes) != list(range(len(chunk))) or position == len(codecs):
        raise ValueError(f"codecs {[name for name, _ in codecs]!r} do not make bytes of an array")
    name = codecs[position][0]
    if name not in ("bytes", *_TEXT_CODECS) or (dtype == TEXT) != (name in _TEXT_CODECS):
        raise UnknownCodec(name)
    undo = []
    for outer, _ in reversed(codecs[position + 1 :]):
        if outer not in UNDO:
            raise UnknownCodec(outer)
        undo.append(UNDO[outer])
    return Layout(dtype, chunk, axes, tuple(undo), (_TEXT_CODECS[name](),) if name in _TEXT_CODECS else ())


def _shard(codecs: Sequence[tuple[str, Mapping[str, Any]]], dtype: Any, chunk: tuple[int, ...]) -> Shard:
    configuration = codecs[0][1]
    inner = tuple(map(int, configuration["chunk_shape"]))
    if len(inner) != len(chunk) or any(step < 1 or length % step for length, step in zip(chunk, inner, strict=True)):
        raise ValueError(f"chunks of {inner} do not divide a shard of {chunk}")
    layout = _storage([named(codec) for codec in configuration["codecs"]], dtype, inner)
    index = [named(codec) for codec in configuration.get("index_codecs", ({"name": "bytes"}, "crc32c"))]
    names = [name for name, _ in index]
    if len(codecs) > 1 or isinstance(layout, Shard) or names not in (["bytes"], ["bytes", "crc32c"]):
        raise UnknownCodec("sharding_indexed")  # shards in shards, or shards that are compressed as a whole
    return Shard(
        layout,
        tuple(length // step for length, step in zip(chunk, inner, strict=True)),
        _ORDERS[index[0][1].get("endian", "little")],
        len(index) == 2,
        configuration.get("index_location", "end") == "end",
    )


def _coding(codecs: Sequence[tuple[str, Mapping[str, Any]]], storage: Layout | Shard | None) -> Any:
    """The content coding in which chunks rest, if nothing else was done to them."""
    if isinstance(storage, Layout) and storage.is_plain and len(storage.undo) == 1 and codecs[-1][0] in _AT_REST:
        return codecs[-1][0]
    return None
