"""The tree of `tiledkernel serve demo`: 16 entries of all kinds, none of which is computed before somebody asks.

Those of families that plugins bring are there if the plugins are installed.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from tiledkernel.examples import optional
from tiledkernel.examples.dynamic import CountingArray
from tiledkernel.examples.lazy_table import LazyTable
from tiledkernel.examples.numpy_structured_dtypes import PETS
from tiledkernel.examples.random_arrays import RandomArray
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer

STALE_AFTER = timedelta(seconds=10)

big_image = RandomArray((10_000, 10_000), seed=1, chunks=(625, 625))
small_image = RandomArray((300, 300), seed=2, chunks=(300, 300))
medium_image = RandomArray((1000, 1000), seed=3, chunks=(1000, 1000))
tiny_image = RandomArray((50, 50), seed=4)
tiny_cube = RandomArray((50, 50, 50), seed=5)
tiny_hypercube = RandomArray((50, 50, 50, 50, 50), seed=6, chunks=(2, 2, 50, 50, 50))
flat_array = RandomArray((100,), seed=7)
high_entropy = RandomArray((100, 100), seed=8)
low_entropy = MemoryArray(np.broadcast_to(1.0, (100, 100)))

short_table = LazyTable("tiledkernel.examples.tables:short_table", metadata={"animal": "dog", "color": "red"})
long_table = LazyTable(
    "tiledkernel.examples.tables:long_table", npartitions=5, metadata={"animal": "dog", "color": "green"}
)
wide_table = LazyTable("tiledkernel.examples.tables:wide_table", metadata={"animal": "dog", "color": "red"})

structured_data = MemoryContainer(
    {
        "pets": MemoryArray(PETS),
        **optional.dataset("xarray_dataset", "weather"),
    },
    metadata={"animal": "cat", "color": "green"},
)

tree = MemoryContainer(
    {
        "big_image": big_image,
        "small_image": small_image,
        "medium_image": medium_image,
        **optional.sparse_image(),
        **optional.awkward_array(),
        "tiny_image": tiny_image,
        "tiny_cube": tiny_cube,
        "tiny_hypercube": tiny_hypercube,
        "short_table": short_table,
        "long_table": long_table,
        "wide_table": wide_table,
        "structured_data": structured_data,
        "flat_array": flat_array,
        "low_entropy": low_entropy,
        "high_entropy": high_entropy,
        "dynamic": CountingArray(),
    },
    stale_after=STALE_AFTER,
)
