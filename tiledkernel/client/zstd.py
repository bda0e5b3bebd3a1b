"""The zstd content coding: a body is one frame, or several one after the other."""

from __future__ import annotations

import zstandard


def decoder() -> zstandard.ZstdDecompressionObj:
    """A fresh decoder."""
    return zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)
