"""Answers in the lz4 content coding."""

from __future__ import annotations

from tiledkernel import Compressor, hookimpl

COMPRESSOR = Compressor(
    coding="lz4",
    compress="tiled_lz4.coding:compress",
    stream="tiled_lz4.coding:Stream",
    needs=("lz4",),
    rank=20,
)


@hookimpl
def register_compressors() -> list[Compressor]:
    """One content coding, for everything that compresses."""
    return [COMPRESSOR]
