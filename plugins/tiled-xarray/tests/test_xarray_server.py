"""Datasets over HTTP: containers that follow the conventions of clients, and tables."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr
from tiled_xarray.dataset import DatasetNode

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.slices import cut_shape

WEATHER = xr.Dataset(
    {
        "temperature": (("y", "x", "time"), np.arange(12.0).reshape(2, 2, 3), {"units": "C"}),
        "rain": (("time", "x"), np.arange(6.0).reshape(3, 2)),
    },
    coords={
        "lon": (("x",), [10.0, 20.0]),
        "time": pd.date_range("2026-01-01", periods=3),
        "height": 7,
    },
    attrs={"title": "weather", "cycle": np.int64(3)},
)


def table_of(response) -> pa.Table:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/vnd.apache.arrow.file"
    return pa.ipc.open_file(io.BytesIO(response.content)).read_all()


def test_a_dataset_is_a_container_that_is_described_with_its_variables(serve, ask):
    found = ask(serve({"d": WEATHER}), "metadata/d").json()["data"]["attributes"]
    assert found["structure_family"] == "container"
    assert found["specs"] == [{"name": "xarray_dataset", "version": None}]
    assert found["metadata"] == {"attrs": {"title": "weather", "cycle": 3}}
    contents = found["structure"]["contents"]
    assert list(contents) == ["temperature", "rain", "lon", "time", "height"]
    described = {name: child["attributes"] for name, child in contents.items()}
    assert {name: child["specs"][0]["name"] for name, child in described.items()} == {
        "temperature": "xarray_data_var",
        "rain": "xarray_data_var",
        "lon": "xarray_coord",
        "time": "xarray_coord",
        "height": "xarray_coord",
    }
    assert {name: child["structure"]["dims"] for name, child in described.items()} == {
        "temperature": ["y", "x", "time"],
        "rain": ["time", "x"],
        "lon": ["x"],
        "time": ["time"],
        "height": [],
    }
    assert described["temperature"]["metadata"] == {"attrs": {"units": "C"}}


@pytest.mark.parametrize("index", [np.s_[:], np.s_[0], np.s_[::-1, 1], np.s_[:, :0], np.s_[-1, :, ::2]])
def test_a_variable_is_read_as_any_array(serve, index):
    expected = WEATHER.temperature.to_numpy()[index]
    assert np.array_equal(serve({"d": WEATHER})["d"]["temperature"][index], expected)


def test_a_data_array_is_an_array_with_its_dimensions_and_attributes(serve):
    array = serve({"t": WEATHER.temperature})["t"]
    assert array.dims == ("y", "x", "time")
    assert array.metadata == {"attrs": {"units": "C"}}
    assert np.array_equal(array[0], WEATHER.temperature.to_numpy()[0])


def test_texts_get_a_fixed_width(serve):
    dataset = xr.Dataset({"name": ("x", np.array(["a", "bcd"], object)), "when": ("x", pd.Categorical(["u", "vv"]))})
    array = serve({"d": dataset})["d"]
    assert array["name"].dtype == "<U3"
    assert array["name"][::-1].tolist() == ["bcd", "a"]
    assert array["when"].read().tolist() == ["u", "vv"]


def test_a_variable_that_rests_elsewhere_is_read_where_it_is_sliced():
    class Resting(xr.backends.BackendArray):
        shape, dtype = (100, 100), np.dtype(float)

        def __init__(self) -> None:
            self.asked = []

        def __getitem__(self, key):
            self.asked.append(key.tuple)
            return np.ones((100, 100))[key.tuple]

    resting = Resting()
    variable = xr.Variable(("y", "x"), xr.core.indexing.LazilyIndexedArray(resting))
    node = DatasetNode(xr.Dataset({"v": variable}))["v"]
    assert node.structure.shape == (100, 100)
    assert resting.asked == []
    assert node.read(cut_shape((3, slice(0, 5)), (100, 100))).shape == (5,)
    assert resting.asked == [(3, slice(0, 5, 1))]


def test_a_dataset_keeps_the_metadata_and_specs_that_it_was_given():
    node = DatasetNode(WEATHER, metadata={"sample": "x"}, specs=["mine"])
    assert node.metadata == {"attrs": WEATHER.attrs, "sample": "x"}
    assert [spec.name for spec in node.specs] == ["mine", "xarray_dataset"]


# As a table


def test_as_a_table_a_dataset_has_one_row_for_each_point(serve, ask):
    table = table_of(ask(serve({"d": WEATHER}), "container/full/d?format=arrow"))
    expected = WEATHER.to_dataframe().reset_index()
    assert table.num_rows == 12
    found = table.to_pandas().set_index(["y", "x", "time"]).sort_index()
    expected = expected.set_index(["y", "x", "time"]).sort_index()
    pd.testing.assert_frame_equal(found[expected.columns], expected, check_dtype=False, check_index_type=False)


def test_columns_begin_with_what_tells_the_rows_apart(serve, ask):
    table = table_of(ask(serve({"d": WEATHER}), "container/full/d?format=arrow"))
    assert table.column_names == ["y", "x", "time", "temperature", "rain", "lon", "height"]


def test_a_field_brings_the_coordinates_of_its_dimensions(serve, ask):
    client = serve({"d": WEATHER})
    text = ask(client, "container/full/d?format=csv&field=rain").text
    assert text.splitlines()[:2] == ["time,x,rain,lon,height", "2026-01-01,0,0.0,10.0,7"]
    assert table_of(ask(client, "container/full/d?format=arrow&field=time")).to_pydict().keys() == {"time"}


def test_many_fields_may_be_posted(serve):
    client = serve({"d": WEATHER})
    http, url = client.context.http_client, f"{client.context.api_uri}container/full/d?format=json"
    assert http.post(url, json=["lon"]).json() == {"lon": [10.0, 20.0]}


def test_numbers_repeat_in_every_row_and_alone_are_one_row(serve, ask):
    client = serve({"d": xr.Dataset({"a": ("x", [1, 2]), "n": 5}), "n": xr.Dataset({"n": 5})})
    assert ask(client, "container/full/d?format=json").json() == {"a": [1, 2], "n": [5, 5]}
    assert ask(client, "container/full/n?format=json").json() == {"n": [5]}


@pytest.mark.parametrize("suffix", ["csv", "txt", "json", "arrow"])
def test_an_empty_dataset_leaves_too(serve, ask, suffix):
    client = serve({"d": xr.Dataset(), "e": xr.Dataset({"a": ("x", np.zeros(0))})})
    assert ask(client, f"container/full/d?format={suffix}").status_code == 200
    assert ask(client, f"container/full/e?format={suffix}").status_code == 200


def test_the_formats_of_tables_and_one_more_spelling_are_offered(serve, ask):
    client = serve({"d": WEATHER})
    formats = client.context.server_info.formats
    own = {"text/comma-separated-values", "application/x-hdf5", "application/netcdf", "application/x-netcdf"}
    assert set(formats["xarray_dataset"]) == {*formats["table"], *own}
    assert ask(client, "container/full/d?format=text/comma-separated-values").text.startswith("y,x,time,")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("container/full/d?field=nope", 400, "no child 'nope'"),
        ("container/full/c?format=arrow", 406, "complex128"),
        ("container/full/unnamed?format=arrow", 406, "dimensions of 'a' have no names"),
        ("container/full/unmarked?format=arrow", 406, "'a' is no variable of a dataset"),
        ("container/full/unequal?format=arrow", 406, "fit no common table"),
        ("array/full/d", 404, "container"),
    ],
)
def test_what_is_no_table_says_why(serve, ask, path, status, words):
    def container(**arrays: MemoryArray) -> MemoryContainer:
        return MemoryContainer(arrays, specs=["xarray_dataset"])

    def variable(*shape: int, **settings: object) -> MemoryArray:
        return MemoryArray(np.zeros(shape), specs=["xarray_data_var"], **settings)

    client = serve(
        {
            "d": WEATHER,
            "c": xr.Dataset({"a": ("x", [1j])}),
            "unnamed": container(a=variable(2)),
            "unmarked": container(a=MemoryArray([1.0], dims=("x",))),
            "unequal": container(a=variable(2, dims=("x",)), b=variable(3, dims=("x",))),
        }
    )
    response = ask(client, path)
    assert response.status_code == status
    assert words in response.json()["detail"]


def test_a_coordinate_that_no_column_holds_is_left_out_unless_it_was_asked_for(serve, ask):
    client = serve({"d": xr.Dataset({"a": ("x", [1, 2])}, coords={"phase": ("x", [1j, 2j])})})
    assert ask(client, "container/full/d?format=json&field=a").json() == {"a": [1, 2]}
    assert ask(client, "container/full/d?format=json&field=phase").status_code == 406


def test_the_size_of_a_table_is_known_before_anything_is_read(serve, ask, monkeypatch):
    grid = xr.Dataset({"a": ("x", np.zeros(1000)), "b": ("y", np.zeros(1000))})
    client = serve({"d": grid}, response_bytesize_limit=1_000_000)
    monkeypatch.setattr("tiled_xarray.variable.VariableArray.read", lambda *_: pytest.fail("it was read"))
    response = ask(client, "container/full/d?format=arrow")
    assert response.status_code == 400
    assert "1_000_000 rows" in response.json()["detail"]


def test_composing_a_server_loads_no_library_of_data():
    code = (
        "import sys, tiled_xarray; from tiledkernel.composition import Composition;"
        "from tiledkernel.plugins import discover; from tiledkernel.server import build_app;"
        "build_app({}, composition=Composition(discover(third_party=False, extra={'xarray': tiled_xarray})));"
        "print(*[name for name in ('xarray', 'pandas', 'pyarrow', 'h5py') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()
