"""Awkward and ragged arrays travel whole, as archives of their buffers."""

from __future__ import annotations

from collections.abc import Iterator

from tiledkernel.client.copying import Item, Transfer


def copying_whole(source: Item, target: Item) -> Iterator[Transfer]:
    """All buffers."""
    yield Transfer.of(source, target, "full", [], "application/zip")
