"""A small tree of constants."""

from __future__ import annotations

import numpy as np

from tiledkernel.examples import optional
from tiledkernel.examples.lazy_table import LazyTable
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer

tree = MemoryContainer(
    {
        "A": MemoryArray(np.broadcast_to(1.0, (100, 100))),
        "B": MemoryArray(np.broadcast_to(1.0, (100, 100, 100))),
        "C": LazyTable("tiledkernel.examples.tables:constants", npartitions=3),
        **optional.dataset("D", "cooling"),
    },
    metadata={"thing": "stuff"},
)
