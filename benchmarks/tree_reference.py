"""What the reference server serves from memory; imported in its own environment."""

from __future__ import annotations

from samples import block
from tiled.adapters.array import ArrayAdapter
from tiled.adapters.mapping import MapAdapter

tree = MapAdapter({"block": ArrayAdapter.from_array(block())})
