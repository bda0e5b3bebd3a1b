"""What our server serves from memory."""

from __future__ import annotations

from samples import block, large

from tiledkernel.families.container.memory import MemoryContainer

tree = MemoryContainer({"block": block(), "large": large()})
