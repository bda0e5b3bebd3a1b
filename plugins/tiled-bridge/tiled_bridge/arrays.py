"""Adapters of arrays."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiled_bridge.calls import name_of, settle, takes, understand_reading
from tiled_bridge.node import AdapterNode, Fresh
from tiled_bridge.results import as_numpy
from tiled_bridge.structures import convert_structure
from tiled_bridge.words import spoken_block, spoken_slice
from tiledkernel.blocks import Block, Chunks
from tiledkernel.errors import ReadFailed
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.slices import Cut, NDSlice, Part


class Place(Struct, frozen=True):
    """A block, and the part of it that is wanted; an empty one is all of it."""

    block: Block
    index: NDSlice


class AdapterArray(AdapterNode):
    """An array that an adapter reads, by block where the cut lies in one of several."""

    @Fresh
    def structure(self) -> ArrayStructure:
        """Shape, chunks and element type."""
        return convert_structure(self.value("structure"), ArrayStructure, self.source)

    def read(self, cut: Cut) -> NDArray[Any]:
        """The elements at `cut.index`."""
        structure = self.structure
        if not cut.size:
            return np.empty(cut.shape, to_numpy(structure.data_type))
        return as_numpy(read_cut(self.adapter, cut, structure.chunks), cut.shape)


def read_cut(adapter: Any, cut: Cut, chunks: Chunks) -> Any:
    """What an adapter reads for a cut that is not empty."""
    index = () if cut.whole else cut.index
    place = find_block(cut, chunks) if hasattr(adapter, "read_block") else None
    if place is not None and (any(len(lengths) > 1 for lengths in chunks) or not hasattr(adapter, "read")):
        try:
            return _read(adapter, "read_block", [spoken_block(place.block)], place.index)
        except NotImplementedError:
            if not hasattr(adapter, "read"):
                raise
    if hasattr(adapter, "read"):
        return _read(adapter, "read", [], index)
    raise ReadFailed(f"{name_of(adapter)} has no method 'read', and {index!r} is not in one of its blocks")


def find_block(cut: Cut, chunks: Chunks) -> Place | None:
    """The one block in which a cut lies; None if it touches several."""
    block: list[int] = []
    local: list[Part] = []
    whole = True
    for part, lengths in zip(cut.index, chunks, strict=True):
        first, last = (part, part) if isinstance(part, int) else (part.start, part.stop - 1)
        edges = list(accumulate(lengths))
        position = bisect_right(edges, first)
        if last >= edges[position]:
            return None
        start = edges[position] - lengths[position]
        block.append(position)
        local.append(_moved(part, start))
        whole = whole and local[-1] == slice(0, lengths[position], 1)
    return Place(tuple(block), () if whole else tuple(local))


def _moved(part: Part, start: int) -> Part:
    return part - start if isinstance(part, int) else slice(part.start - start, part.stop - start, part.step)


def _read(adapter: Any, method: str, leading: Sequence[Any], index: NDSlice) -> Any:
    """What a reading method gives; one that takes no slice is sliced here."""
    function = getattr(adapter, method)
    parts = spoken_slice(index)
    sliced = takes(function, *leading, parts)
    try:
        found = settle(function(*leading, parts) if sliced else function(*leading))
        return found if sliced or not index else found[index]
    except NotImplementedError:
        raise
    except Exception as error:
        understood = understand_reading(error, adapter, index)
        if understood is error:
            raise
        raise understood from error
