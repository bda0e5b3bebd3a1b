"""Datasets that are read later: labels come at once, elements when they are computed."""

from __future__ import annotations

import asyncio

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tiledkernel import references
from tiledkernel.client import aio, from_context, record_history
from tiledkernel.client.connection import CannotWait
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer

GRID = xr.Dataset(
    {
        "a": (("t", "y"), np.arange(60.0).reshape(6, 10), {"units": "K"}),
        "b": ("y", np.arange(10)),
        "n": 3.5,
    },
    coords={
        "t": pd.date_range("2026-01-01", periods=6),
        "y": np.linspace(0, 1, 10),
        "lon": (("t", "y"), np.ones((6, 10))),
        "height": 7,
    },
    attrs={"title": "grid"},
)


@pytest.fixture
def dataset(serve):
    chunked = GRID.chunk({"t": 2, "y": 5})
    return from_context(serve({"d": chunked}).context, "dask")["d"]


def asked(history) -> list[tuple[str, str]]:
    found = [(request.url.path.rpartition("/")[2], request.url.params.get("slice", "")) for request in history.requests]
    return sorted(found)


def test_only_labels_travel_before_something_is_computed(dataset):
    with record_history() as history:
        lazy = dataset.read()
        assert lazy.a.dims == ("t", "y")
        assert lazy.sel(t="2026-01-03").a.shape == (10,)
    assert asked(history) == [("t", ""), ("y", "")]
    assert isinstance(lazy.a.data, da.Array)
    assert lazy.a.chunks == ((2, 2, 2), (5, 5))


def test_labels_of_one_dimension_travel_together(serve):
    wide = xr.Dataset({"v": ("t", np.ones(5))}, coords={"t": np.arange(5), "u": ("u", np.arange(5)), "height": 7})
    client = from_context(serve({"d": wide}).context, "dask")["d"]
    with record_history() as history:
        client.read()
    assert asked(history) == [("t", ""), ("u", "")]


def test_a_computed_dataset_is_as_it_was(dataset):
    xr.testing.assert_identical(dataset.read().compute(scheduler="synchronous"), GRID)
    xr.testing.assert_identical(dataset.compute(), GRID)


def test_what_is_selected_is_all_that_is_computed(dataset):
    lazy = dataset.read()
    with record_history() as history:
        found = lazy.a.variable[2, :3].compute(scheduler="synchronous")
    np.testing.assert_array_equal(found, GRID.a[2, :3])
    assert asked(history) == [("a", "2,0:3")]


def test_chosen_variables_keep_their_coordinates(dataset):
    with record_history() as history:
        lazy = dataset.read(["b"])
    assert set(lazy.variables) == {"b", "y", "height"}
    assert asked(history) == [("y", "")]
    with pytest.raises(KeyError, match="no variable 'nope'"):
        dataset.read("nope")


def test_it_is_a_container_of_arrays_that_are_read_later(dataset):
    assert repr(dataset) == "<DaskDatasetClient {'a', 'b', 'n', 't', 'y', 'lon', 'height'}>"
    assert repr(dataset["b"]) == "<DaskArrayClient shape=(10,) chunks=((5, 5)) dtype=int64 dims=('y',)>"


def test_a_child_that_is_no_variable_is_named(serve):
    tree = MemoryContainer({"a": MemoryArray([1.0])}, specs=["xarray_dataset"], metadata={"attrs": {}})
    client = from_context(serve({"d": tree}).context, "dask")["d"]
    with pytest.raises(ValueError, match=r"'a' in .* is no variable of a dataset"):
        client.read()


def test_an_asynchronous_client_says_what_to_use_instead(dataset):
    async def read():
        async with await aio.AsyncContext.from_app(dataset.context.http_client.app) as context:
            client = await (await aio.from_context(context, "dask"))["d"]
            with pytest.raises(CannotWait, match=r"asyncio\.to_thread"):
                await client.read()
            return await client.compute()

    xr.testing.assert_identical(asyncio.run(read()), GRID)


def test_without_dask_one_is_told_what_to_install(dataset, monkeypatch):
    monkeypatch.setattr(references, "installed", lambda name: name != "dask")
    with pytest.raises(ImportError, match=r"pip install 'tiledkernel\[dask\]'"):
        dataset.read()
