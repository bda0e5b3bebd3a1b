"""What the client shows xarray datasets with, and stores them by."""

from __future__ import annotations

from tiledkernel.client.classes import ClientClass

CLIENT_CLASSES = (
    ClientClass(
        "xarray_dataset",
        "tiled_xarray.client:DatasetClient",
        dask="tiled_xarray.client_dask:DaskDatasetClient",
        writing="tiled_xarray.client_writing:writing_dataset",
    ),
)
