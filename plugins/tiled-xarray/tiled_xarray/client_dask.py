"""The client of a dataset that reads later; xarray and dask load when variables are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tiled_xarray.client import DatasetClient, checked_names
from tiledkernel import references
from tiledkernel.client.lazy import load_with_dask
from tiledkernel.client.plans import Plan

if TYPE_CHECKING:
    import xarray

    from tiled_xarray.client_dataset import Part


class DaskDatasetClient(DatasetClient):
    """A dataset on the server: read it, and get variables of dask, whose chunks are fetched when they are computed.

    >>> ds.read().temperature.mean("time").compute()
    >>> ds.compute()
    """

    def read(self, variables: str | Sequence[str] | None = None, *, optimize_wide_table: bool = True) -> xarray.Dataset:
        """All variables, or those named with the coordinates that belong to them, to be fetched later.

        Coordinates that label a dimension are fetched now, because xarray selects by them.

        Parameters
        ----------
        variables
            Names of data variables or coordinates; all if left out.
        optimize_wide_table
            Whether labels are fetched together, as a table, instead of one by one.

        Examples
        --------
        >>> ds.read(["temperature"]).sel(time="2026-01-01").compute()
        """
        reading = load_with_dask("tiled_xarray.client_dataset:reading_labels")
        plan: Plan[xarray.Dataset] = reading(self, checked_names(variables), _later, together=optimize_wide_table)
        return self._run(plan)

    def compute(self) -> xarray.Dataset:
        """All variables, now."""
        reading = references.load("tiled_xarray.client_dataset:reading")
        plan: Plan[xarray.Dataset] = reading(self, None, together=True)
        return self._run(plan)


def _later(part: Part) -> xarray.Variable:
    return part.variable(part.array.read())
