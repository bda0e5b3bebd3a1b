"""The described tree as we serve it: `tree`."""

from __future__ import annotations

from typing import Any

import content
from tiled_awkward.awkward.memory import MemoryAwkward
from tiled_awkward.ragged.memory import MemoryRagged
from tiled_sparse.memory import MemorySparse

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.table.memory import MemoryTable


def made(node: Any) -> Any:  # noqa: PLR0911 - one line for each kind of node
    about = {"metadata": node.metadata, "specs": node.specs}
    match node:
        case content.Box():
            return MemoryContainer({key: made(child) for key, child in node.children.items()}, **about)
        case content.Numbers():
            return MemoryArray(node.values, chunks=node.chunks, dims=node.dims, **about)
        case content.Frame():
            return MemoryTable(node.values, npartitions=node.npartitions, **about)
        case content.Sparse():
            return MemorySparse(node.values.coords, node.values.data, node.values.shape, **about)
        case content.Awkward():
            return MemoryAwkward(node.values, **about)
        case content.Ragged():
            return MemoryRagged(node.values, **about)
        case content.Dataset():
            return node.values
    raise TypeError(node)


tree = made(content.DESCRIPTION)
