"""Datasets as NetCDF files, opened by xarray again."""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import httpx
import numpy as np
import pandas as pd
import pytest
import tiled_xarray
import xarray as xr

from tiledkernel.composition import Composition
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app

WEATHER = xr.Dataset(
    {
        "temperature": (("y", "x", "time"), np.arange(12.0).reshape(2, 2, 3), {"units": "C", "range": [1.5, 2.5]}),
        "rain": (("time", "x"), np.arange(6.0).reshape(3, 2)),
        "count": 5,
    },
    coords={
        "lon": (("x",), [10.0, 20.0], {"units": "degrees_east"}),
        "place": (("y", "x"), [["a", "b"], ["c", "ü"]]),
        "time": pd.date_range("2026-01-01", periods=3, unit="ns"),
        "height": 7,
    },
    attrs={"title": "weather", "cycle": 3, "ratio": 0.5, "steps": np.array([1, 2])},
)
NAMES = ["nc", "h5", "hdf5", "application/netcdf", "application/x-netcdf", "application/x-hdf5"]


@pytest.fixture(scope="module")
def composition() -> Composition:
    """The kernel and this plugin."""
    return Composition(discover(third_party=False, extra={"xarray": tiled_xarray}))


@pytest.fixture
def serve(composition: Composition) -> Iterator[Callable[..., Callable[..., httpx.Response]]]:
    """Serve a tree; what comes back asks it: `serve(tree, **settings)(path)`."""
    apps: list[Any] = []
    with asyncio.Runner() as loop:

        def make(tree: Any, **settings: Any) -> Callable[..., httpx.Response]:
            app = build_app(tree, settings=Settings(allow_anonymous_access=True, **settings), composition=composition)
            apps.append(app)

            def get(path: str, method: str = "GET", **options: Any) -> httpx.Response:
                async def call() -> httpx.Response:
                    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
                    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1/") as client:
                        return await client.request(method, path, **options)

                return loop.run(call())

            return get

        yield make
        for app in apps:
            app.state.service.close()


def opened(response: httpx.Response, **options: Any) -> xr.Dataset:
    assert response.status_code == 200, response.text
    return xr.load_dataset(io.BytesIO(response.content), **options)


@pytest.mark.parametrize("name", NAMES)
def test_xarray_opens_the_same_dataset(serve, name):
    xr.testing.assert_identical(opened(serve({"d": WEATHER})(f"container/full/d?format={name}")), WEATHER)


@pytest.mark.parametrize(
    "values",
    [
        np.array([True, False]),
        np.array([1, -2], "i1"),
        np.array([2**64 - 1, 0], "u8"),
        np.array([1.5, np.nan], ">f4"),
        np.array([np.inf, -np.inf]),
        np.array([1 + 2j, np.nan]),
        np.array(["2026-01-02T03:04:05.123456789", "NaT"], "M8[ns]"),
        np.array([90, "NaT"], "m8[s]"),
        np.array([1, 2], "m8[ns]"),
        np.array([b"ab", b"abc"]),
        np.array(["a", "日本"]),
        np.array(["", "x"]),
    ],
    ids=lambda values: str(values.dtype),
)
def test_elements_keep_values_and_kind(serve, values):
    source = xr.Dataset({"v": ("x", values), "cross": (("x", "y"), np.stack([values, values], 1))})
    found = opened(serve({"d": source})("container/full/d?format=nc"))
    xr.testing.assert_equal(found, source)
    assert found.v.dtype.kind == source.v.dtype.kind
    assert found.v.dtype.newbyteorder("=") == source.v.dtype.newbyteorder("=")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_moments_of_every_unit_stay_the_same(serve, unit):
    source = xr.Dataset({"v": ("x", np.array(["1969-12-31T23:59:59", "2026-01-02"], f"M8[{unit}]"))})
    xr.testing.assert_equal(opened(serve({"d": source})("container/full/d?format=nc")), source)


def test_floats_that_netcdf_does_not_have_become_those_that_it_has(serve):
    source = xr.Dataset({"half": ("x", np.array([1.5], "f2")), "wide": ("x", np.ones(1, np.longdouble))})
    found = opened(serve({"d": source})("container/full/d?format=nc"))
    assert (found.half.dtype, found.wide.dtype) == ("f4", "f8")
    xr.testing.assert_equal(found, source)


@pytest.mark.parametrize(
    "source", [xr.Dataset(), xr.Dataset({"a": ("x", np.zeros(0))}), xr.Dataset(coords={"x": [1]}, attrs={"a": 1})]
)
def test_little_is_a_file_too(serve, source):
    xr.testing.assert_identical(opened(serve({"d": source})("container/full/d?format=nc")), source)


@pytest.mark.parametrize("how", ["query", "body"])
def test_chosen_variables_bring_their_coordinates(serve, how):
    get = serve({"d": WEATHER})
    if how == "query":
        response = get("container/full/d?format=nc&field=rain&field=rain")
    else:
        response = get("container/full/d?format=nc", "POST", json=["rain"])
    found = opened(response)
    assert list(found.data_vars) == ["rain"]
    assert set(found.coords) == {"time", "lon", "height"}
    xr.testing.assert_identical(found.rain, WEATHER.rain)


def test_coordinates_of_their_own_dimensions_stay_coordinates(serve):
    source = xr.Dataset({"a": ("x", [1, 2])}, coords={"other": ("z", [1.0, 2.0, 3.0]), "label": ("x", ["p", "q"])})
    found = opened(serve({"d": source})("container/full/d?format=nc"))
    assert set(found.coords) == {"other", "label"}
    xr.testing.assert_identical(found, source)


def test_attributes_of_every_kind_are_kept_or_spelled_out(serve):
    attrs = {
        "flag": True, "nested": {"a": [1]}, "none": None, "mixed": [1, "a"], "texts": ["a", "b"], "big": 2**70,
        "date": np.datetime64("2026-01-02"), "nul": "a\0b", "empty": "", "complex": 1j,
        "_FillValue": 3, "DIMENSION_LIST": "x", "coordinates": "nonsense",
    }  # fmt: skip
    found = opened(serve({"d": xr.Dataset({"v": ("x", [1, 3], attrs)}, attrs=attrs)})("container/full/d?format=nc"))
    for attributes in (found.attrs, found.v.attrs):
        assert attributes["flag"] == 1
        assert json.loads(attributes["nested"]) == {"a": [1]}
        assert attributes["none"] == "null"
        assert json.loads(attributes["mixed"]) == [1, "a"]
        assert list(attributes["texts"]) == ["a", "b"]
        assert json.loads(attributes["big"]) == 2**70
        assert attributes["date"] == "2026-01-02"
        assert attributes["complex"] == 1j
        assert not {"_FillValue", "DIMENSION_LIST", "coordinates"} & set(attributes)
    assert found.v.to_numpy().tolist() == [1, 3]


def test_any_container_that_follows_the_conventions_is_a_dataset(serve):
    arrays = {
        "t": MemoryArray(np.arange(3.0), dims=("x",), specs=["xarray_data_var"], metadata={"attrs": {"units": "K"}}),
        "x": MemoryArray(np.array([5, 6, 7]), dims=("x",), specs=["xarray_coord"]),
    }
    found = opened(serve({"d": MemoryContainer(arrays, specs=["xarray_dataset"])})("container/full/d?format=nc"))
    assert found.t.attrs == {"units": "K"}
    assert found.indexes["x"].tolist() == [5, 6, 7]


def test_the_file_says_what_other_programs_need_to_know(serve):
    file = h5py.File(io.BytesIO(serve({"d": WEATHER})("container/full/d?format=nc").content))
    assert file["time"].attrs["units"] == "nanoseconds since 1970-01-01"
    assert file["time"].attrs["calendar"] == "proleptic_gregorian"
    assert file["temperature"].attrs["coordinates"].split() == ["lon", "place", "height"]
    assert [dim[0].name for dim in file["temperature"].dims] == ["/y", "/x", "/time"]


def test_without_a_wish_a_dataset_leaves_as_containers_do(serve):
    response = serve({"d": WEATHER})("container/full/d")
    assert response.headers["content-type"] == "application/x-hdf5"
    xr.testing.assert_identical(opened(response), WEATHER)


# Memory and disk


class Resting(xr.backends.BackendArray):
    """Numbers that are made where they are sliced; notes how many at a time."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.dtype, self.most = shape, np.dtype("f8"), 0

    def __getitem__(self, key: Any) -> np.ndarray:
        made = np.broadcast_to(1.0, self.shape)[key.tuple]
        self.most = max(self.most, made.size)
        return made


def test_a_variable_that_rests_elsewhere_is_never_held_whole(serve):
    resting = Resting((64, 1 << 17))
    variable = xr.Variable(("y", "x"), xr.core.indexing.LazilyIndexedArray(resting))
    found = opened(serve({"d": xr.Dataset({"v": variable})})("container/full/d?format=nc"))
    assert found.v.shape == resting.shape
    assert float(found.v.min()) == 1.0
    assert resting.most * 8 <= 8 << 20


def test_a_dataset_that_is_too_large_is_refused_before_anything_is_read(serve):
    resting = Resting((1000, 1000))
    variable = xr.Variable(("y", "x"), xr.core.indexing.LazilyIndexedArray(resting))
    response = serve({"d": xr.Dataset({"v": variable})}, response_bytesize_limit=1_000_000)(
        "container/full/d?format=nc"
    )
    assert response.status_code == 400
    assert "8_000_000 bytes" in response.json()["detail"]
    assert resting.most == 0


def test_no_file_stays_behind(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert serve({"d": WEATHER})("container/full/d?format=nc").status_code == 200
    assert not list(tmp_path.iterdir())


# Mistakes


def dataset_of(array, **settings):
    """A container that says that it is a dataset, with one array."""
    return MemoryContainer({"a": MemoryArray(array, **settings)}, specs=["xarray_dataset"])


YEARS = dataset_of(np.array(["2026"], "M8[Y]"), dims=("x",), specs=["xarray_data_var"])


@pytest.mark.parametrize(
    ("source", "query", "status", "words"),
    [
        (WEATHER, "field=nope", 400, "no child 'nope'"),
        (xr.Dataset({"r": ("x", np.zeros(2, [("a", "i4")]))}), "", 406, "'r', whose elements are"),
        (xr.Dataset({"a/b": ("x", [1])}), "", 406, "'a/b' cannot be the name"),
        (xr.Dataset({"t": ("x", ["a\0b"])}), "", 406, "holds a NUL"),
        (dataset_of([1.0]), "", 406, "'a' is no variable of a dataset"),
        (YEARS, "", 406, "no unit for datetime64[Y]"),
    ],
)
def test_what_netcdf_cannot_hold_says_why(serve, source, query, status, words):
    response = serve({"d": source})(f"container/full/d?format=nc&{query}")
    assert response.status_code == status
    assert words in response.json()["detail"]


def test_a_variable_that_fails_is_named_in_the_log(serve, caplog):
    class Failing(MemoryArray):
        def read(self, cut):
            raise OSError("a bad sector")

    failing = Failing([1.0], dims=("x",), specs=["xarray_data_var"])
    response = serve({"d": MemoryContainer({"v": failing}, specs=["xarray_dataset"])})("container/full/d?format=nc")
    assert response.status_code == 500
    assert "'d' could not be read" in response.json()["detail"]
    assert "Failing failed while reading 'd/v'" in caplog.text


def test_the_file_is_named_after_the_node(serve):
    get = serve({"weather": WEATHER})
    assert get("container/full/weather?format=nc").headers["content-disposition"] == 'inline; filename="weather.nc"'
    named = get("container/full/weather?format=nc&filename=a.nc")
    assert named.headers["content-disposition"] == 'attachment; filename="a.nc"'
