"""Arrays and groups of Zarr version 2: `.zarray`, `.zgroup`, `.zattrs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numcodecs

from tiled_zarr.codecs import Layout, undo_numcodec
from tiled_zarr.elements import TEXT, dtype_of_v2, fill_value
from tiled_zarr.metadata import ArrayMetadata, KeyEncoding, dimension_names

_CODINGS = {"gzip": "gzip", "zlib": "deflate", "zstd": "zstd"}
_TEXT_FILTERS = ("vlen-utf8", "vlen-bytes")


def parse_v2(described: Mapping[str, Any], attributes: Mapping[str, Any]) -> ArrayMetadata:
    """What a `.zarray` says; ValueError, TypeError or KeyError if it cannot be understood."""
    if described["zarr_format"] != 2:
        raise ValueError(f"version {described['zarr_format']!r} is not known")
    shape, chunk = (tuple(map(int, described[name])) for name in ("shape", "chunks"))
    chunk = tuple(max(1, length) for length in chunk)  # an empty axis may have chunks of length 0
    dtype = dtype_of_v2(described["dtype"])
    filters = described.get("filters") or []
    if dtype == TEXT and (not filters or filters[0]["id"] not in _TEXT_FILTERS):
        raise ValueError(f"objects, encoded with {filters!r}, have no type that could be served")
    compressor = described.get("compressor")
    axes = tuple(range(len(shape)))
    layout = Layout(
        dtype,
        chunk,
        axes[::-1] if described.get("order", "C") == "F" else axes,
        () if compressor is None else (undo_numcodec(compressor),),
        tuple(numcodecs.get_codec(dict(codec)) for codec in reversed(filters)),
    )
    name = "" if compressor is None else str(compressor["id"])
    return ArrayMetadata(
        shape,
        chunk,
        dtype,
        fill_value(described.get("fill_value"), dtype),
        attributes,
        dimension_names(attributes.get("_ARRAY_DIMENSIONS"), len(shape)),
        KeyEncoding("", _separator(described.get("dimension_separator", "."))),
        layout,
        _CODINGS.get(name) if layout.is_plain else None,  # type: ignore[arg-type] # its values are those literals
        name,
        2,
    )


def _separator(text: Any) -> str:
    if text not in (".", "/"):
        raise ValueError(f"{text!r} cannot stand between the numbers of a chunk")
    return str(text)
