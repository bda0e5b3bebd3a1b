"""Opaque bytes have no structure; what they hold is reached through the node's assets."""

from __future__ import annotations

from msgspec import Struct

FAMILY = "bytes"


class BytesStructure(Struct, frozen=True):
    """Nothing is known about the content."""
