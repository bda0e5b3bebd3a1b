"""Ragged arrays as ZIP archives of their buffers, with what is needed to put them together again."""

from __future__ import annotations

import awkward

from tiled_awkward.archives import write_archive
from tiled_awkward.ragged.entries import entries_of
from tiled_awkward.ragged.payload import RaggedPayload
from tiledkernel.encoding import Body, Encoding
from tiledkernel.errors import NotAcceptable


def encode_zip(payload: RaggedPayload, encoding: Encoding) -> Body:
    """The buffers of the selected lists, their form and their number."""
    del encoding
    array = payload.array()
    if not isinstance(array, awkward.Array):
        raise NotAcceptable("a single number has no buffers: ask for application/json")
    return write_archive(entries_of(array))
