"""Awkward arrays as ZIP archives: one entry per buffer, named after its node in the form."""

from __future__ import annotations

from tiled_awkward.archives import write_archive
from tiled_awkward.awkward.payload import AwkwardPayload
from tiledkernel.encoding import Body, Encoding


def encode_zip(payload: AwkwardPayload, encoding: Encoding) -> Body:
    """The selected buffers; with form and length, which the description has, they make up the array."""
    del encoding
    return write_archive(payload.buffers().items())
