"""Sparse arrays as HDF5 files, with the datasets `coords` (one row per dimension) and `data`."""

from __future__ import annotations

import io

import h5py

from tiled_sparse.payload import SparsePayload
from tiledkernel.encoding import Body, Encoding


def encode(payload: SparsePayload, encoding: Encoding) -> Body:
    """A file with the stored elements; its attribute `shape` is that of the array."""
    del encoding
    elements = payload.read()
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        file.attrs["shape"] = elements.shape
        file.create_dataset("coords", data=elements.coords)
        file.create_dataset("data", data=elements.data)
    return sink.getbuffer()
