"""Datasets of xarray, under the name that published tutorials import them by; the plugin `tiled-xarray` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tiledkernel.client.errors import UnknownStructureFamily

if TYPE_CHECKING:
    import xarray

__all__ = ["write_xarray_dataset"]


def write_xarray_dataset(container: Any, dataset: xarray.Dataset, key: str | None = None) -> Any:
    """Store a dataset as a new child of a container, with an array for each variable and each coordinate.

    Parameters
    ----------
    container
        The client of a container.
    dataset
        Variables of dask are stored chunk by chunk.
    key
        A random one if it is left out.

    Returns
    -------
    DatasetClient
        The client of the new dataset; `.read()` gives the dataset back.

    Examples
    --------
    >>> write_xarray_dataset(client, xarray.Dataset({"t": ("x", [1.5, 2.5])}, {"x": [10, 20]}), key="run")
    """
    try:
        return container.write("xarray_dataset", dataset, key=key)
    except UnknownStructureFamily as error:
        raise UnknownStructureFamily("no installed plugin stores datasets: `pip install tiled-xarray`") from error
