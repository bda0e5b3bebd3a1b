"""Sparse arrays, described by their shape and sent as coordinates and values."""

from __future__ import annotations

from tiledkernel import Conversion, Family, Serializer, Storage, hookimpl

FAMILY = Family(
    name="sparse",
    structure="tiled_sparse.structure:SparseStructure",
    links="tiledkernel.families.array.links:links",
    routes="tiled_sparse.routes:ROUTES",
    default_media_type="application/vnd.apache.arrow.file",
    adopt="tiled_sparse.memory:adopt",
    # The base of COO, GCXS and DOK arrays; the shorter name is that of older versions.
    adopts=("sparse.numba_backend._sparse_array.SparseArray", "sparse._sparse_array.SparseArray"),
)


@hookimpl
def register_families() -> list[Family]:
    """Sparse arrays, below the same paths as arrays."""
    return [FAMILY]


@hookimpl
def register_storages() -> list[Storage]:
    """A Parquet file for each block."""
    return [
        Storage(
            family="sparse",
            media_type="application/x-parquet;structure=sparse",
            schemes=("file",),
            create="tiled_sparse.storage:create",
            open="tiled_sparse.storage:open_stored",
            delete="tiled_sparse.storage:delete",
        )
    ]


@hookimpl
def register_conversions() -> list[Conversion]:
    """Coordinates and values leave in every format that tables leave in."""
    return [Conversion(source="sparse", target="table", convert="tiled_sparse.table:as_table")]


@hookimpl
def register_serializers() -> list[Serializer]:
    """HDF5, which holds the coordinates as one dataset."""
    return [
        Serializer(
            target="sparse",
            media_type="application/x-hdf5",
            encode="tiled_sparse.hdf5:encode",
            suffixes=("h5", "hdf5"),
            needs=("h5py",),
            rank=70,
        )
    ]
