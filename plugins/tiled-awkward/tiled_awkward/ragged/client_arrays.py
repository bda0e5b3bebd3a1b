"""From the answers of a server to arrays of the `ragged` library."""

from __future__ import annotations

import zipfile
from typing import Any

import awkward
import msgspec
import numpy as np
import ragged

from tiled_awkward.archives import read_archive
from tiled_awkward.buffers import Buffers, put_together
from tiled_awkward.ragged.entries import buffers_of
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.slices import NDSlice


def decode_number(body: bytes | bytearray, dtype: np.dtype[Any]) -> ragged.array:
    """A single number, as an array without axes."""
    return ragged.array(np.array(msgspec.json.decode(body), dtype))


def decode_lists(body: bytes | bytearray, dtype: np.dtype[Any], parts: NDSlice = ()) -> ragged.array:
    """The lists in an archive, or what a slice selects of them; IndexError if it fits not all of them."""
    lists = put_together(_buffers_of(body))
    selected = lists[parts] if parts else lists
    return ragged.array(awkward.values_astype(selected, dtype) if isinstance(selected, awkward.Array) else selected)


def _buffers_of(body: bytes | bytearray) -> Buffers:
    try:
        return buffers_of(read_archive(body))
    except (zipfile.BadZipFile, ValueError) as error:
        raise UnexpectedAnswer(f"the answer is no archive of a ragged array: {error!r}") from error
