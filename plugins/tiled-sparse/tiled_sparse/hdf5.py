"""Sparse arrays as HDF5 files, with the datasets `coords` (one row per dimension) and `data`."""

from __future__ import annotations

import io

import h5py

from tiled_sparse.payload import SparsePayload
from tiledkernel.encoding import Body, Encoding
from tiledkernel.errors import TooLarge


def encode(payload: SparsePayload, encoding: Encoding) -> Body:
    """A file with the stored elements; its attribute `shape` is that of the array. TooLarge if they are too many."""
    del encoding
    elements = payload.read()
    nbytes = elements.coords.nbytes + elements.data.nbytes
    if payload.limit is not None and nbytes > payload.limit:
        raise TooLarge(
            f"the stored elements are {nbytes:_} bytes, more than the {payload.limit:_} that this server sends at "
            "once: use 'slice' or 'block' to read them in parts"
        )
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        file.attrs["shape"] = elements.shape
        file.create_dataset("coords", data=elements.coords)
        file.create_dataset("data", data=elements.data)
    return sink.getbuffer()
