"""The datasets of the example trees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray


def weather() -> xarray.Dataset:
    """Temperature and precipitation at four places on three days."""
    generator = np.random.Generator(np.random.Philox(key=10))
    dims = ("x", "y", "time")
    return xarray.Dataset(
        {
            "temperature": (dims, 15 + 8 * generator.standard_normal((2, 2, 3))),
            "precipitation": (dims, 10 * generator.random((2, 2, 3))),
        },
        coords={
            "lon": (("x", "y"), [[-99.83, -99.32], [-99.79, -99.23]]),
            "lat": (("x", "y"), [[42.25, 42.21], [42.63, 42.59]]),
            "time": pd.date_range("2014-09-06", periods=3, unit="ns"),
        },
    )


def cooling() -> xarray.Dataset:
    """Three temperatures over time."""
    return xarray.Dataset({"temperature": ("time", [100, 99, 98])}, coords={"time": [1, 2, 3]})
