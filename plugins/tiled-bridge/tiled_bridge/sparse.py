"""Adapters of sparse arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from tiled_sparse.elements import Elements, in_order
from tiled_sparse.structure import SparseStructure

from tiled_bridge.arrays import read_cut
from tiled_bridge.node import AdapterNode, Fresh
from tiled_bridge.results import computed
from tiled_bridge.structures import convert_structure
from tiledkernel.errors import ReadFailed
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.slices import Cut


class AdapterSparse(AdapterNode):
    """A sparse array that an adapter reads as coordinates and values."""

    @Fresh
    def structure(self) -> SparseStructure:
        """Shape, chunks and element type."""
        return convert_structure(self.value("structure"), SparseStructure, self.source)

    def read(self, cut: Cut) -> Elements:
        """The stored elements in `cut`, with coordinates relative to it."""
        structure = self.structure
        dtype = to_numpy(structure.data_type)
        if not cut.size:
            return Elements(np.empty((len(cut.shape), 0), np.int64), np.empty(0, dtype), cut.shape)
        found = computed(read_cut(self.adapter, cut, structure.chunks))
        shape = tuple(np.shape(found))
        if shape != cut.shape:
            raise ReadFailed(f"it returned a sparse array of shape {shape} where {cut.shape} was asked for")
        elements = _elements(found, cut.shape)
        return Elements(elements.coords, elements.data.astype(dtype, copy=False), cut.shape)


def _elements(found: Any, shape: tuple[int, ...]) -> Elements:
    """The stored elements of an array of the `sparse` library, or those of a dense one that are not zero."""
    if hasattr(found, "asformat"):
        coo = found.asformat("coo")
        coords, data = np.asarray(coo.coords, np.int64), np.asarray(coo.data)
    else:
        dense = np.asarray(found)
        coords = np.stack(np.nonzero(dense)) if shape else np.empty((0, int(dense != 0)), np.int64)
        data = dense[dense != 0].reshape(-1)
    return in_order(Elements(coords.reshape(len(shape), len(data)), data, shape))
