"""Arrays travel chunk by chunk."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tiledkernel.client.copying import Item, Transfer, blocks_of
from tiledkernel.media_types import ARRAY_BYTES


def copying_array(source: Item, target: Item) -> Iterator[Transfer]:
    """The chunks; those without elements need not travel."""
    structure = source["attributes"]["structure"]
    itemsize = structure["data_type"]["itemsize"]
    for block in blocks_of(source):
        shape = [lengths[place] for lengths, place in zip(structure["chunks"], block, strict=True)]
        size = math.prod(shape) * itemsize
        if size:
            link, where = ("block", [("block", ",".join(map(str, block)))]) if block else ("full", [])
            asked = [("expected_shape", ",".join(map(str, shape)) or "scalar")]
            yield Transfer.of(source, target, link, where, ARRAY_BYTES, size, asked)
