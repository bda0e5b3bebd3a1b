"""Promises by which a dataset and its parts are known on the wire, as http-api 4.5 has them."""

from __future__ import annotations

from tiledkernel.specs import Spec

DATASET = Spec("xarray_dataset")
COORDINATE = Spec("xarray_coord")
DATA_VARIABLE = Spec("xarray_data_var")
