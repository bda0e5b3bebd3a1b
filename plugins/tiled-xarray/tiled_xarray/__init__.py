"""Xarray datasets: containers of arrays that know which of them are coordinates, and NetCDF files, which hold such."""

from __future__ import annotations

from tiledkernel import Adopter, Conversion, Reader, Serializer, hookimpl
from tiledkernel.media_types import HDF5

SPEC = "xarray_dataset"
_NETCDF = {HDF5: ("h5", "hdf5"), "application/netcdf": ("nc",), "application/x-netcdf": ("nc4",)}  # version 4 is HDF5
READER = Reader(
    media_type="application/x-netcdf",
    suffixes=(".nc", ".nc4", ".cdf"),
    signatures=(b"CDF\x01", b"CDF\x02", b"CDF\x05"),  # those of version 4 begin as any HDF5 file does
    open="tiled_xarray.reader:open_netcdf",
    concurrency="one",  # HDF5 has one lock for the whole process
)


@hookimpl
def register_adopters() -> list[Adopter]:
    """Datasets, and single arrays with named dimensions."""
    own = "tiled_xarray.dataset"
    return [
        Adopter(name="xarray.Dataset", adopts=("xarray.core.dataset.Dataset",), adopt=f"{own}:adopt_dataset"),
        Adopter(name="xarray.DataArray", adopts=("xarray.core.dataarray.DataArray",), adopt=f"{own}:adopt_array"),
    ]


@hookimpl
def register_conversions() -> list[Conversion]:
    """Seen as a table, a dataset leaves in every format that tables leave in."""
    return [Conversion(source=SPEC, target="table", convert="tiled_xarray.table:as_table")]


@hookimpl
def register_serializers() -> list[Serializer]:
    """NetCDF, by each of its names, and one more spelling of CSV, which published clients ask for."""
    return [
        Serializer(
            target=SPEC,
            media_type="text/comma-separated-values",
            encode="tiledkernel.families.table.encoders:encode_csv",
            convert="tiled_xarray.table:as_table",
            needs=("pyarrow",),
            rank=31,
        ),
        *(
            Serializer(
                target=SPEC,
                media_type=media_type,
                encode="tiled_xarray.netcdf:encode",
                suffixes=suffixes,
                needs=("h5netcdf",),
                rank=80 + place,
            )
            for place, (media_type, suffixes) in enumerate(_NETCDF.items())
        ),
    ]


@hookimpl
def register_readers() -> list[Reader]:
    """NetCDF, versions 3 and 4."""
    return [READER]
