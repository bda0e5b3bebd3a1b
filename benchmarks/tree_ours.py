"""What our server serves from memory."""

from __future__ import annotations

import pyarrow as pa
from samples import MANY_ROWS, ROWS, SIDE, block, floats, keys, large, mixed, mosaic

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.table.memory import MemoryTable

leaf = MemoryArray(block())


def nested(*names: str) -> MemoryContainer:
    """Containers one in the other, the leaf in the last."""
    first, *rest = names
    return MemoryContainer({first: nested(*rest) if rest else leaf})


tree = MemoryContainer(
    {
        "block": leaf,
        "large": large(),
        "mosaic": MemoryArray(mosaic(), chunks=(SIDE, SIDE)),
        "a": nested("b", "c", "d", "e"),
        "scans": MemoryContainer(dict.fromkeys(keys(), leaf)),
        "floats": MemoryTable(pa.Table.from_pandas(floats(ROWS))),
        "many_floats": MemoryTable(pa.Table.from_pandas(floats(MANY_ROWS))),
        "mixed": MemoryTable(pa.Table.from_pandas(mixed(ROWS))),
    }
)
