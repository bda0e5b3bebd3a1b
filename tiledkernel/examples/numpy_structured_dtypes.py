"""A tree with an array of records."""

from __future__ import annotations

import numpy as np

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer

PETS = np.array(
    [("Rex", 9, 81.0), ("Fido", 3, 27.0)],
    dtype=[("name", "<U10"), ("age", "<i4"), ("weight", "<f4")],
)

tree = MemoryContainer({"A": MemoryArray(PETS)})
