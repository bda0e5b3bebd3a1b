"""Tables as HDF5 files: one dataset per column, as `hdf5_columns` has them, and the metadata as attributes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py

from tiled_exporters.hdf5 import VERSIONS
from tiled_exporters.hdf5_attributes import write_attributes
from tiled_exporters.hdf5_columns import write_columns
from tiledkernel.encoding import Encoding
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.server.spooled import spooled


def encode(payload: TablePayload, context: Encoding) -> Iterator[bytes]:
    """A file with the columns, without the index; NotAcceptable for texts that HDF5 does not have."""

    def write(path: Path) -> None:
        with h5py.File(path, "w", libver=VERSIONS, track_order=True) as file:
            write_attributes(file, context.metadata)
            write_columns(file, payload)

    return spooled(write)
