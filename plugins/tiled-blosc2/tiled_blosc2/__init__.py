"""Answers in the blosc2 content coding, made for arrays."""

from __future__ import annotations

from tiledkernel import Compressor, hookimpl

COMPRESSOR = Compressor(
    coding="blosc2",
    compress="tiled_blosc2.coding:compress",
    stream="tiled_blosc2.coding:Stream",
    media_types=frozenset({"application/octet-stream", "application/vnd.apache.arrow.file"}),
    needs=("blosc2",),
    rank=10,
)


@hookimpl
def register_compressors() -> list[Compressor]:
    """One content coding, for the bytes of arrays and of Arrow files."""
    return [COMPRESSOR]
