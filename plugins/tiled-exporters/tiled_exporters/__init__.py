"""Formats in which data leave: PNG images."""

from __future__ import annotations

from tiledkernel import Serializer, hookimpl


@hookimpl
def register_serializers() -> list[Serializer]:
    """One record per format; each format is one module."""
    return [
        Serializer(
            target="array",
            media_type="image/png",
            encode="tiled_exporters.png:encode",
            suffixes=("png",),
            needs=("PIL",),
            rank=70,
        ),
    ]
