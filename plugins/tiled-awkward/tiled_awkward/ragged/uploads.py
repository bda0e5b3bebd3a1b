"""Rows of ragged arrays that somebody sends: an archive of buffers, or nested lists as JSON."""

from __future__ import annotations

from functools import reduce
from typing import Annotated, Any

import awkward
import msgspec
import numpy as np
from msgspec import Meta

from tiled_awkward.buffers import Buffers, put_together
from tiled_awkward.ragged.entries import buffers_of
from tiled_awkward.ragged.fitting import fitted
from tiled_awkward.ragged.structure import RaggedStructure
from tiled_awkward.uploads import LIMIT, read_uploaded
from tiledkernel.errors import Unprocessable, UnsupportedMediaType
from tiledkernel.families.array.dtypes import to_numpy

JSON_LIMIT = 64 << 20  # bytes; numbers take many times more while they are Python's


def decode_archive(body: memoryview, structure: RaggedStructure) -> awkward.Array:
    """The rows in an archive, as the array keeps them; Unprocessable if they do not fit, or make up no array."""
    entries = read_uploaded(body, LIMIT)
    try:
        return fitted(_checked(buffers_of(entries)), structure)
    except ValueError as error:
        raise Unprocessable(f"the body is no archive of a ragged array: {error}", "body") from error


def _checked(buffers: Buffers) -> awkward.Array:
    if buffers.length > LIMIT:
        raise Unprocessable(f"{buffers.length:_} rows are too many to be sent at once", "body")
    try:
        array = put_together(buffers)
        reason = awkward.validity_error(array)
    except Exception as error:  # noqa: BLE001 - the library raises whatever its own code runs into
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
    if reason:
        raise Unprocessable(f"the buffers in the archive make up no array: {reason:.300}", "body")
    return array


def decode_json(body: memoryview, structure: RaggedStructure) -> awkward.Array:
    """The rows in nested lists, as the array keeps them; Unprocessable if they do not fit."""
    dtype = to_numpy(structure.data_type)
    element = _json_type(dtype)
    if len(body) > JSON_LIMIT:
        raise Unprocessable(
            f"{len(body):_} bytes of JSON are too many, at most {JSON_LIMIT:_} are taken: send application/zip", "body"
        )
    kind = reduce(lambda inner, _: list[inner], structure.shape, element)  # type: ignore[valid-type]
    try:
        lists = msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unprocessable(f"the body does not fit this array: {error}", "body") from None
    return fitted(_as_elements(lists, dtype), structure)


def _json_type(dtype: np.dtype[Any]) -> Any:
    """What a number in JSON must be; of missing ones are made NaN."""
    if dtype.kind == "b":
        return bool
    if dtype.kind == "f":
        return float | None
    if dtype.kind not in "iu":
        raise UnsupportedMediaType(f"JSON has no place for elements of type {dtype}: send application/zip")
    limits = np.iinfo(dtype)
    return Annotated[int, Meta(ge=int(limits.min), le=min(int(limits.max), np.iinfo(np.int64).max))]


def _as_elements(lists: list[Any], dtype: np.dtype[Any]) -> awkward.Array:
    array = awkward.Array(lists)
    return awkward.values_astype(awkward.fill_none(array, np.nan, axis=-1) if dtype.kind == "f" else array, dtype)
