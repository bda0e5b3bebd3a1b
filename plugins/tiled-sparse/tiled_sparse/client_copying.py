"""Sparse arrays travel chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator

from tiledkernel.client.copying import Item, Transfer, blocks_of
from tiledkernel.media_types import ARROW_FILE


def copying_sparse(source: Item, target: Item) -> Iterator[Transfer]:
    """The stored elements of each chunk, whose coordinates count from its beginning."""
    for block in blocks_of(source):
        link, where = ("block", [("block", ",".join(map(str, block)))]) if block else ("full", [])
        yield Transfer.of(source, target, link, where, ARROW_FILE)
