"""Formats in which data leave for other programs."""

from __future__ import annotations

from tiledkernel import Serializer, hookimpl
from tiledkernel.media_types import HDF5, HTML


@hookimpl
def register_serializers() -> list[Serializer]:
    """One record per format; each format is one module."""
    return [
        Serializer(
            target="array",
            media_type="image/png",
            encode="tiled_exporters.png:encode",
            suits="tiled_exporters.suits:as_png",
            suffixes=("png",),
            needs=("PIL",),
            rank=70,
        ),
        Serializer(
            target="table",
            media_type="application/x-parquet",
            encode="tiled_exporters.table_parquet:encode",
            suffixes=("parquet",),
            needs=("pyarrow",),
            rank=20,
        ),
        Serializer(
            target="table",
            media_type=HTML,
            encode="tiled_exporters.table_html:encode",
            suffixes=("html", "htm"),
            needs=("pyarrow",),
            rank=40,
        ),
        Serializer(
            target="table",
            media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            encode="tiled_exporters.xlsx:encode",
            suffixes=("xlsx", "xslx"),
            needs=("pyarrow", "xlsxwriter"),
            rank=50,
        ),
        Serializer(
            target="table",
            media_type=HDF5,
            encode="tiled_exporters.table_hdf5:encode",
            suffixes=("h5", "hdf5"),
            needs=("h5py", "pyarrow"),
            rank=70,
        ),
        Serializer(
            target="array",
            media_type="image/tiff",
            encode="tiled_exporters.tiff:encode",
            suits="tiled_exporters.suits:as_tiff",
            suffixes=("tif", "tiff"),
            needs=("tifffile",),
            rank=71,
        ),
        Serializer(
            target="array",
            media_type="text/html",
            encode="tiled_exporters.array_html:encode",
            suffixes=("html", "htm"),
            needs=("PIL",),
            rank=72,
        ),
        Serializer(
            target="container",
            media_type="application/x-hdf5",
            encode="tiled_exporters.hdf5:encode",
            suffixes=("h5", "hdf5"),
            needs=("h5py",),
            rank=10,
        ),
    ]
