"""Datasets that are stored come back as they were, and what cannot be stored is told before anything is made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tiled_sql_catalog
import tiled_xarray
import tiled_zarr
import xarray
from tiled_sql_catalog.tree import CatalogOptions, build_catalog
from tiled_xarray.client import DatasetClient

from tiledkernel.client import Context, aio, from_context, record_history
from tiledkernel.client.connection import CannotWait
from tiledkernel.client.errors import UnknownStructureFamily
from tiledkernel.client.xarray import write_xarray_dataset
from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app

DATASET = xarray.Dataset(
    {
        "temperature": (("time", "x"), np.arange(6.0).reshape(2, 3), {"units": "K", "range": np.array([0, 5])}),
        "label": ("x", np.array(["a", "bé", ""])),
        "count": ((), 7),
    },
    {"time": np.array(["2020-01-01", "2020-01-02"], "M8[ns]"), "x": [10, 20, 30], "height": ("x", [0.5, 1.5, 2.5])},
    {"title": "run 42", "when": np.datetime64("2020-01-01")},
)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Any]:
    plugins = {"xarray": tiled_xarray, "zarr": tiled_zarr, "catalog": tiled_sql_catalog}
    composition = Composition(discover(third_party=False, extra=plugins))
    options = CatalogOptions(
        uri=str(tmp_path / "catalog.db"), writable_storage=[str(tmp_path / "data")], init_if_not_exists=True
    )
    tree = build_catalog(options, composition)
    yield build_app(tree, settings=Settings(single_user_api_key="secret"), composition=composition)
    tree.close()


@pytest.fixture
def client(app: Any) -> Iterator[Any]:
    with Context.from_app(app) as context:
        yield from_context(context)


def test_a_dataset_comes_back_as_it_was(client):
    written = write_xarray_dataset(client, DATASET, key="run")
    assert isinstance(written, DatasetClient)
    found = client["run"].read()
    assert found.drop_attrs().identical(DATASET.drop_attrs())
    assert set(found.coords) == set(DATASET.coords)
    assert found.attrs == {"title": "run 42", "when": "2020-01-01"}
    assert found.temperature.attrs == {"units": "K", "range": [0, 5]}


def test_variables_keep_their_order(client):
    names = [f"v{number}" for number in range(9, -1, -1)]
    written = write_xarray_dataset(client, xarray.Dataset({name: ("x", [1, 2]) for name in names}), key="run")
    assert list(written) == list(client["run"]) == names


def test_it_is_described_as_others_expect(client):
    write_xarray_dataset(client, DATASET, key="run")
    node = client["run"]
    assert [spec.name for spec in node.specs] == ["xarray_dataset"]
    assert list(node.metadata) == ["attrs"]
    assert {key: [spec.name for spec in node[key].specs] for key in node} == {
        "temperature": ["xarray_data_var"],
        "label": ["xarray_data_var"],
        "count": ["xarray_data_var"],
        "time": ["xarray_coord"],
        "x": ["xarray_coord"],
        "height": ["xarray_coord"],
    }
    assert node["temperature"].dims == ("time", "x")


def test_without_a_key_it_gets_a_random_one(client):
    assert len(write_xarray_dataset(client, DATASET).path_parts[-1]) == 36


def test_other_metadata_and_specs_may_be_given(client):
    node = client.write("xarray_dataset", DATASET, key="run", metadata={"color": "red"}, specs=["scan"])
    assert node.metadata["color"] == "red"
    assert [spec.name for spec in node.specs] == ["scan", "xarray_dataset"]
    assert node.read().attrs["title"] == "run 42"


def test_chunks_of_dask_are_kept(client):
    dataset = xarray.Dataset({"t": (("y", "x"), da.from_array(np.arange(12).reshape(3, 4), chunks=(1, 3)))})
    node = write_xarray_dataset(client, dataset)
    assert node["t"].chunks == ((1, 1, 1), (3, 1))
    assert node.read().identical(dataset.compute())


def test_texts_of_any_length_get_the_width_of_the_longest(client):
    dataset = xarray.Dataset({"s": ("x", np.array(["a", "longer"], object)), "b": ("x", np.array([b"a", b""], object))})
    found = write_xarray_dataset(client, dataset).read()
    assert found.s.values.tolist() == ["a", "longer"]
    assert found.b.values.tolist() == [b"a", b""]


def test_an_empty_dataset_is_one_too(client):
    assert write_xarray_dataset(client, xarray.Dataset(attrs={"a": 1})).read().identical(xarray.Dataset(attrs={"a": 1}))


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (xarray.Dataset({"a": ("x", np.array([1, None], object))}), "the variable 'a' .* type object"),
        (xarray.Dataset({"a/b": ("x", [1])}), "'a/b' .* cannot be a key"),
        (xarray.Dataset({"": ("x", [1])}), "cannot be a key"),
    ],
)
def test_what_cannot_be_stored_is_told_before_anything_is_made(client, dataset, said):
    with record_history() as history, pytest.raises(ValueError, match=said):
        write_xarray_dataset(client, dataset)
    assert not history.requests


def test_a_single_array_is_no_dataset(client):
    with pytest.raises(TypeError, match="to_dataset"):
        write_xarray_dataset(client, DATASET.temperature)


def test_without_the_plugin_the_error_says_what_to_install(client, monkeypatch):
    monkeypatch.setattr("tiledkernel.client.classes.installed_records", lambda: ())
    with pytest.raises(UnknownStructureFamily, match="pip install tiled-xarray`"):
        write_xarray_dataset(client, DATASET)


def test_an_asynchronous_client_stores_datasets_too(app):
    async def store() -> Any:
        async with await aio.AsyncContext.from_app(app) as context:
            client = await aio.from_context(context)
            node = await write_xarray_dataset(client, DATASET, key="run")
            lazy = xarray.Dataset({"t": ("x", da.ones(3))})
            with pytest.raises(CannotWait):
                await write_xarray_dataset(client, lazy, key="lazy")
            return await node.read()

    assert asyncio.run(store()).drop_attrs().identical(DATASET.drop_attrs())
