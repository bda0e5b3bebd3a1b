"""The described tree as the reference serves it: `tree`, made of its public adapters."""

from __future__ import annotations

from typing import Any

import content
from tiled.adapters.array import ArrayAdapter
from tiled.adapters.awkward import AwkwardAdapter
from tiled.adapters.mapping import MapAdapter
from tiled.adapters.ragged import RaggedAdapter
from tiled.adapters.sparse import COOAdapter
from tiled.adapters.table import TableAdapter
from tiled.adapters.xarray import DatasetAdapter
from tiled.structures.core import Spec


def made(node: Any) -> Any:  # noqa: PLR0911 - one line for each kind of node
    about = {"metadata": node.metadata, "specs": [Spec(name) for name in node.specs]}
    match node:
        case content.Box():
            return MapAdapter({key: made(child) for key, child in node.children.items()}, **about)
        case content.Numbers():
            return ArrayAdapter.from_array(node.values, chunks=node.chunks, dims=node.dims, **about)
        case content.Frame():
            return TableAdapter.from_pandas(node.values, npartitions=node.npartitions, **about)
        case content.Sparse():
            return COOAdapter.from_coo(node.values, **about)
        case content.Awkward():
            return AwkwardAdapter.from_array(node.values, **about)
        case content.Ragged():
            return RaggedAdapter.from_array(node.values, **about)
        case content.Dataset():
            return DatasetAdapter.from_dataset(node.values)
    raise TypeError(node)


tree = made(content.DESCRIPTION)
