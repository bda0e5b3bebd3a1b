"""Serve HDF5 and NeXus files: groups as containers, datasets as arrays, attributes as metadata."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl

READER = Reader(
    media_type="application/x-hdf5",
    suffixes=(".h5", ".hdf5", ".hdf", ".he5", ".nxs", ".nx"),
    signatures=(b"\x89HDF\r\n\x1a\n",),
    open="tiled_hdf5.reader:open_hdf5",
    open_many="tiled_hdf5.reader:open_hdf5_files",
    parameters="tiled_hdf5.options:HDF5Options",
    concurrency="one",  # HDF5 has one lock for the whole process
)


@hookimpl
def register_readers() -> list[Reader]:
    """One reader, for every flavour of HDF5."""
    return [READER]
