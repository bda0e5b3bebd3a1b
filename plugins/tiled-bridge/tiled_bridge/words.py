"""Slices, blocks and queries in the classes that an adapter knows them by.

Adapters that use the classes of the package `tiled` have imported them: they are taken from there, and nothing is
imported for others, who get tuples and our own queries.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from tiledkernel.blocks import Block
from tiledkernel.slices import Part


def spoken_slice(parts: Sequence[Part]) -> tuple[Part, ...]:
    """A slice; the empty one selects everything."""
    return _made("NDSlice", parts)


def spoken_block(block: Block) -> tuple[int, ...]:
    """The index of a block."""
    return _made("NDBlock", block)


def spoken_queries(query: Any) -> Iterator[Any]:
    """A query as the adapter may know it: in the words of Tiled, if they are in use here, and in ours."""
    kind = getattr(sys.modules.get("tiled.queries"), type(query).__name__, None)
    if kind is not None and type(query).__module__ != "tiled.queries":
        yield kind.decode(**query.encode())  # both travel over the same wire
    yield query


def _made(name: str, parts: Sequence[Any]) -> tuple[Any, ...]:
    kind = getattr(sys.modules.get("tiled.ndslice"), name, None)
    return tuple(parts) if kind is None else kind(*parts)
