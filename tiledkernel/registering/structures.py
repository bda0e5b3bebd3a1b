"""Structures that a caller wants for files, instead of those that the files give themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from tiledkernel import references
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.families.table.structure import SCHEMA_PREFIX, TableStructure

_READ_SCHEMA = "pyarrow.ipc:read_schema"
_BUFFER = "pyarrow:py_buffer"


def overridden(family: str, found: Mapping[str, Any], given: Any) -> Mapping[str, Any]:
    """The structure that a node gets, as it travels; ValueError if the files cannot be shown so.

    `given` may leave out what is not to differ, such as all but the shape of an array.
    """
    wanted = msgspec.to_builtins(given)
    if not isinstance(wanted, Mapping):
        raise ValueError(  # noqa: TRY004 - as users know it
            f"{given!r:.80} is no structure: expected one of a {family}, or a part such as {{'shape': ...}}"
        )
    if family == "array":
        return _array(found, wanted)
    if family == "table":
        return _table(found, wanted)
    if {**found, **wanted} != found:
        raise ValueError(f"the structure of files of the family {family!r} cannot be changed: leave it out")
    return found


def _array(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """An array of the same elements in another shape, or with other chunks or dimension names."""
    merged = {**found, **wanted}
    if "shape" in wanted and list(wanted["shape"]) != list(found["shape"]):
        merged |= {name: None for name in ("chunks", "dims") if name not in wanted}
    stored = msgspec.convert(found, ArrayStructure)
    try:
        checked = describe_array(
            msgspec.convert(merged["shape"], tuple[int, ...]),
            to_numpy(stored.data_type),
            _chunks_of(merged["chunks"]),
            merged["dims"],
        )
        same_type = msgspec.convert(merged["data_type"], type(stored.data_type)) == stored.data_type
    except (TypeError, msgspec.ValidationError) as error:
        raise ValueError(f"{dict(wanted)!r:.200} is no structure of an array: {error}") from None
    if not same_type:
        raise ValueError(
            f"the files hold elements of type {to_numpy(stored.data_type)}, and the structure says others: leave out "
            "'data_type'"
        )
    if math.prod(checked.shape) != stored.size:
        raise ValueError(
            f"the files hold {stored.size} elements, of shape {stored.shape}, and an array of shape {checked.shape} "
            f"has {math.prod(checked.shape)}: expected a shape of as many elements"
        )
    described: Mapping[str, Any] = msgspec.json.decode(msgspec.json.encode(checked))
    return described


def _chunks_of(chunks: Any) -> Any:
    """Chunks as they travel: lengths along each axis, or a regular chunk shape."""
    if chunks is None:
        return None
    return tuple(tuple(part) if isinstance(part, (list, tuple)) else part for part in chunks)


def _table(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """A table of the same columns, of the same types."""
    try:
        merged = msgspec.convert({**found, **wanted}, TableStructure)
    except msgspec.ValidationError as error:
        raise ValueError(f"this is no structure of a table: {error}") from None
    have, want = _columns(str(found["arrow_schema"])), _columns(merged.arrow_schema)
    if (have, found["npartitions"]) != (want, merged.npartitions):
        raise ValueError(
            f"the files hold {found['npartitions']} partitions of the columns {have}, and the structure says "
            f"{merged.npartitions} of {want}: expected the same"
        )
    described: Mapping[str, Any] = msgspec.json.decode(msgspec.json.encode(merged))
    return described


def _columns(schema: str) -> dict[str, str]:
    data = msgspec.convert(schema.removeprefix(SCHEMA_PREFIX), bytes)
    found = references.load(_READ_SCHEMA)(references.load(_BUFFER)(data))
    return {name: str(kind) for name, kind in zip(found.names, found.types, strict=True)}
