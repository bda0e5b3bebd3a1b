"""Adapters of ragged arrays."""

from __future__ import annotations

from typing import Any

import awkward
from tiled_awkward.ragged.memory import MemoryRagged
from tiled_awkward.ragged.structure import RaggedStructure

from tiled_bridge.node import AdapterNode, Fresh
from tiled_bridge.structures import convert_structure
from tiled_bridge.words import spoken_slice
from tiledkernel.slices import NDSlice


class AdapterRagged(AdapterNode):
    """Lists of numbers that an adapter reads."""

    @Fresh
    def structure(self) -> RaggedStructure:
        """Shape, size, chunks and element type."""
        return convert_structure(self.value("structure"), RaggedStructure, self.source)

    def read(self, parts: NDSlice) -> Any:
        """`array[parts]` as an awkward array, or as a single number; IndexError if that cannot be."""
        found = self.ask("read", spoken_slice(parts))
        if isinstance(found, awkward.Array) or not hasattr(found, "__len__"):
            return found
        if not getattr(found, "shape", (0,)):
            return found.item() if hasattr(found, "item") else found[()]
        return MemoryRagged(found).read(())
