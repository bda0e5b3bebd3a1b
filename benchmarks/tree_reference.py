"""What the reference server serves from memory; imported in its own environment."""

from __future__ import annotations

from samples import MANY_ROWS, ROWS, SIDE, block, floats, keys, large, mixed, mosaic
from tiled.adapters.array import ArrayAdapter
from tiled.adapters.mapping import MapAdapter
from tiled.adapters.table import TableAdapter

leaf = ArrayAdapter.from_array(block())


def nested(*names: str) -> MapAdapter:
    """Containers one in the other, the leaf in the last."""
    first, *rest = names
    return MapAdapter({first: nested(*rest) if rest else leaf})


tree = MapAdapter(
    {
        "block": leaf,
        "large": ArrayAdapter.from_array(large()),
        "mosaic": ArrayAdapter.from_array(mosaic(), chunks=(SIDE, SIDE)),
        "a": nested("b", "c", "d", "e"),
        "scans": MapAdapter(dict.fromkeys(keys(), leaf)),
        "floats": TableAdapter.from_pandas(floats(ROWS), npartitions=1),
        "many_floats": TableAdapter.from_pandas(floats(MANY_ROWS), npartitions=1),
        "mixed": TableAdapter.from_pandas(mixed(ROWS), npartitions=1),
    }
)
