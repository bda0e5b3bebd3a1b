"""Adapters of opaque bytes, which have nothing to read: their content leaves as files."""

from __future__ import annotations

from typing import ClassVar

from tiled_bridge.node import AdapterNode
from tiledkernel.families.bytes.structure import BytesStructure


class AdapterBytes(AdapterNode):
    """A node of bytes."""

    structure: ClassVar[BytesStructure] = BytesStructure()
