"""The client of datasets: read as xarray has them, in few requests, with the coordinates that are needed."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tiledkernel.client import record_history
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer

ROWS = 10
WIDE = xr.Dataset(
    {
        **{f"v{number}": ("t", np.linspace(0, number, ROWS).astype("f4")) for number in range(20)},
        "count": ("t", np.arange(ROWS, dtype=">i2")),
        "on": ("t", np.arange(ROWS) % 2 == 0),
        "name": ("t", list("abcdefghij")),
        "phase": ("t", np.ones(ROWS) * 1j),
        "scale": 3.5,
    },
    coords={"t": pd.date_range("2026-01-01", periods=ROWS), "u": ("t", np.arange(ROWS)), "height": 7},
    attrs={"title": "wide"},
)
GRID = xr.Dataset(
    {"a": (("x", "y"), np.arange(6.0).reshape(2, 3), {"units": "K"}), "b": ("y", [1, 2, 3]), "c": ("z", [1.0, 2.0])},
    coords={"x": [10, 20], "lon": (("x", "y"), np.ones((2, 3))), "z": [0.5, 1.5]},
)


def paths(history) -> list[str]:
    return [request.url.path.removeprefix("/api/v1/") for request in history.requests]


@pytest.mark.parametrize(
    "dataset", [WIDE, GRID, xr.Dataset(), xr.Dataset({"n": 5, "m": 2.5})], ids=lambda d: str(list(d))[:20]
)
@pytest.mark.parametrize("together", [True, False])
def test_a_dataset_comes_back_as_it_was(serve, dataset, together):
    found = serve({"d": dataset})["d"].read(optimize_wide_table=together)
    xr.testing.assert_identical(found, dataset)
    assert {name: v.dtype for name, v in found.variables.items()} == {n: v.dtype for n, v in dataset.variables.items()}


def test_short_columns_are_fetched_together(serve):
    array = serve({"d": WIDE})["d"]
    with record_history() as history:
        array.read()
    assert sorted(paths(history)) == ["array/full/d/name", "array/full/d/phase", "container/full/d"]


def test_columns_along_different_dimensions_are_different_tables(serve):
    dataset = xr.Dataset({"a": ("x", [1, 2]), "b": ("x", [3, 4]), "c": ("y", [1, 2, 3]), "d": ("y", [4, 5, 6])})
    client = serve({"d": dataset})["d"]
    with record_history() as history:
        xr.testing.assert_identical(client.read(), dataset)
    assert [request.url.params.get_list("field") for request in history.requests] == [["a", "b"], ["c", "d"]]


def test_long_columns_are_fetched_as_arrays(serve, monkeypatch):
    monkeypatch.setattr("tiled_xarray.client_dataset.LONG", ROWS)
    client = serve({"d": WIDE[["v0", "v1"]]})["d"]
    with record_history() as history:
        client.read()
    assert "container/full/d" not in paths(history)


@pytest.mark.parametrize("names", [["a"], ["b"], ["lon"], ["c", "b"], "a", []], ids=str)
def test_chosen_variables_keep_the_coordinates_that_they_need(serve, names):
    expected = GRID[[names] if isinstance(names, str) else names]
    found = serve({"d": GRID})["d"].read(names)
    assert set(found.variables) == {name for name in expected.variables if expected[name].dims or names}
    for name in found.variables:
        xr.testing.assert_identical(found[name].variable, GRID[name].variable)


def test_only_what_was_chosen_travels(serve):
    client = serve({"d": GRID})["d"]
    with record_history() as history:
        client.read(["b"])
    assert paths(history) == ["array/full/d/b"]


def test_a_variable_that_is_not_there_is_named(serve):
    with pytest.raises(KeyError, match=r"no variable 'nope'.*a, b, c, lon, x, z"):
        serve({"d": GRID})["d"].read(["nope"])


def test_a_child_that_is_no_variable_is_named(serve):
    tree = MemoryContainer({"a": MemoryArray([1.0])}, specs=["xarray_dataset"], metadata={"attrs": {}})
    with pytest.raises(ValueError, match=r"'a' in .* is no variable of a dataset"):
        serve({"d": tree})["d"].read()


def test_a_dimension_without_a_name_is_told(serve):
    array = MemoryArray([1.0], specs=["xarray_data_var"])
    tree = MemoryContainer({"a": array}, specs=["xarray_dataset"])
    with pytest.raises(ValueError, match="dimensions of 'a' have no names"):
        serve({"d": tree})["d"].read()


def test_a_table_that_lacks_a_variable_is_told(serve, monkeypatch):
    client = serve({"d": WIDE[["v0", "v1"]]})["d"]
    fetch = type(client).fetching_table
    monkeypatch.setattr(type(client), "fetching_table", lambda self, names: fetch(self, names[:1]))
    with pytest.raises(UnexpectedAnswer, match="has not all of 'v1'"):
        client.read()


def test_it_is_a_container_of_arrays(serve):
    client = serve({"d": GRID})["d"]
    assert repr(client) == "<DatasetClient {'a', 'b', 'c', 'x', 'lon', 'z'}>"
    assert repr(client["a"]) == "<ArrayClient shape=(2, 3) chunks=((2,), (3,)) dtype=float64 dims=('x', 'y')>"
    assert client["a"][1, 1] == 4.0
    assert client["a"].metadata == {"attrs": {"units": "K"}}


def test_ipython_shows_the_variables(serve):
    class Printer:
        def text(self, text):
            self.said = text

    printer = Printer()
    serve({"d": GRID})["d"]._repr_pretty_(printer, cycle=False)
    assert printer.said == "<DatasetClient ['a', 'b', 'c', 'x', 'lon', 'z']>"


def test_looking_at_it_costs_no_further_request(serve):
    client = serve({"d": GRID})["d"]
    with record_history() as history:
        assert len(client) == 6
        assert list(client) == list(GRID.data_vars) + list(GRID.coords)
        repr(client)
    assert not history.requests


def test_each_format_that_is_listed_can_be_exported(serve):
    client = serve({"d": GRID[["a", "b"]]})["d"]
    for media_type in client.formats:
        buffer = io.BytesIO()
        client.export(buffer, ["a"], format=media_type)
        assert buffer.getvalue(), media_type


@pytest.mark.parametrize("module", ["tiled_xarray", "tiled_xarray.client_classes", "tiled_xarray.client"])
def test_importing_the_plugin_loads_no_library_of_data(module):
    heavy = ("numpy", "xarray", "pandas", "pyarrow", "h5py")
    code = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()
