"""The zstd content coding: a body is one frame, or several one after the other."""

from __future__ import annotations

import zstandard

from tiledkernel.client.decoders import Members


def decoder() -> Members:
    """A fresh decoder."""
    return Members(zstandard.ZstdDecompressor().decompressobj)
