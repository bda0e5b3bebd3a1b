"""The data of the demo in the containers of Tiled 0.2.20: its manual has paths such as `nested/images/tiny_image`."""

from __future__ import annotations

import numpy as np

from tiledkernel.examples import generated, optional
from tiledkernel.examples.dynamic import CountingArray
from tiledkernel.examples.lazy_table import LazyTable
from tiledkernel.examples.random_arrays import RandomArray
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer

_generator = np.random.Generator(np.random.Philox(key=20))
_complex = _generator.random((30, 50)) + 1j * _generator.random((30, 50))

scalars = MemoryContainer(
    {
        "pi": MemoryArray(3.14159),
        "e_arr": MemoryArray(["2.71828"]),
        "fsc": MemoryArray("1/137"),
        "fortytwo": MemoryArray(42),
    },
    metadata={"numbers": "constants", "precision": 5},
)

images = MemoryContainer(
    {
        "tiny_image": generated.tiny_image,
        "small_image": generated.small_image,
        "medium_image": RandomArray((1000, 1000), seed=3, chunks=(250, 100)),
        "big_image": generated.big_image,
    },
    metadata={"animal": "cat", "color": "green"},
)

cubes = MemoryContainer(
    {"tiny_cube": generated.tiny_cube, "tiny_hypercube": generated.tiny_hypercube},
    metadata={"animal": "dog", "color": "red"},
)

nested = MemoryContainer(
    {
        "images": images,
        "cubes": cubes,
        "complex": MemoryArray(_complex),
        **optional.sparse_image(),
        **optional.awkward_array(),
        **optional.ragged_array(),
    },
    metadata={"animal": "cat", "color": "green"},
)

tables = MemoryContainer(
    {
        "short_table": LazyTable(
            "tiledkernel.examples.tables:short_table_of_types", metadata={"animal": "dog", "color": "red"}
        ),
        "long_table": generated.long_table,
        "wide_table": generated.wide_table,
    }
)

tree = MemoryContainer(
    {
        "scalars": scalars,
        "nested": nested,
        "tables": tables,
        "structured_data": generated.structured_data,
        "flat_array": generated.flat_array,
        "low_entropy": MemoryArray(np.ones((100, 100), dtype=np.int32)),
        "high_entropy": MemoryArray(_generator.integers(-10, 10, (100, 100), dtype=np.int64)),
        "dynamic": CountingArray(),
    },
    stale_after=generated.STALE_AFTER,
)
