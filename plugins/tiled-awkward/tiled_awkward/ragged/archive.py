"""Ragged arrays as ZIP archives of their buffers, with what is needed to put them together again.

The entry `length` is a big-endian integer of 8 bytes, `form` a JSON text whose content is JSON again: so has it the
protocol.
"""

from __future__ import annotations

import json

import awkward

from tiled_awkward.archives import write_archive
from tiled_awkward.buffers import take_apart
from tiled_awkward.ragged.payload import RaggedPayload
from tiledkernel.encoding import Body, Encoding
from tiledkernel.errors import NotAcceptable


def encode_zip(payload: RaggedPayload, encoding: Encoding) -> Body:
    """The buffers of the selected lists, their form and their number."""
    del encoding
    array = payload.array()
    if not isinstance(array, awkward.Array):
        raise NotAcceptable("a single number has no buffers: ask for application/json")
    buffers = take_apart(array)
    form = json.dumps(json.dumps(buffers.form)).encode()
    return write_archive([*buffers.content.items(), ("length", buffers.length.to_bytes(8, "big")), ("form", form)])
