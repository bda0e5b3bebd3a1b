"""Adapters of awkward arrays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import awkward
import numpy as np
from tiled_awkward.awkward.structure import AwkwardStructure
from tiled_awkward.buffers import take_apart

from tiled_bridge.node import AdapterNode, Fresh
from tiled_bridge.structures import convert_structure


class AdapterAwkward(AdapterNode):
    """Nested lists and records whose buffers an adapter reads."""

    @Fresh
    def structure(self) -> AwkwardStructure:
        """Length and form."""
        return convert_structure(self.value("structure"), AwkwardStructure, self.source)

    def read_buffers(self, names: Collection[str] | None) -> Mapping[str, Any]:
        """The buffers of these names; all if None."""
        if hasattr(self.adapter, "read_buffers"):
            # Asked for by the keys of the form, each of which stands for all of its buffers.
            keys = None if names is None else sorted({name.rpartition("-")[0] or name for name in names})
            found = self.ask("read_buffers", keys)
        else:
            found = self.ask("read")
        if isinstance(found, awkward.Array):
            found = take_apart(found).content
        wanted = found if names is None else [name for name in found if name in names]
        return {name: _as_bytes(found[name]) for name in wanted}


def _as_bytes(buffer: Any) -> Any:
    """A buffer as a flat run of bytes."""
    if isinstance(buffer, (bytes, bytearray, memoryview)):
        return memoryview(buffer).cast("B")
    return np.ascontiguousarray(buffer).reshape(-1).view(np.uint8)
