"""`xarray.open_dataset(url, engine="tiled")`: as any engine, but only what is selected travels."""

from __future__ import annotations

import asyncio
import pickle

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tiled_xarray.backend import TiledBackend

from tiledkernel.client import ClientError, aio, from_uri, record_history
from tiledkernel.client.connection import CannotWait
from tiledkernel.client.lazy import close_shared_connections
from tiledkernel.families.array.memory import MemoryArray

ROWS, COLUMNS = 60, 50
WEATHER = xr.Dataset(
    {
        "a": (("t", "y"), np.arange(ROWS * COLUMNS, dtype="f8").reshape(ROWS, COLUMNS), {"units": "K"}),
        "name": ("y", [f"station {number}" for number in range(COLUMNS)]),
        "n": 3.5,
    },
    coords={
        "t": pd.date_range("2026-01-01", periods=ROWS),
        "y": np.arange(COLUMNS) * 10,
        "lon": (("t", "y"), np.ones((ROWS, COLUMNS))),
    },
    attrs={"title": "weather"},
)
CHUNKS = {"t": 20, "y": 25}


@pytest.fixture
def node(serve):
    return serve({"d": WEATHER.chunk(CHUNKS)})["d"]


@pytest.fixture
def opened(node):
    return xr.open_dataset(node, engine="tiled")


def asked(history) -> list[tuple[str, str]]:
    return [(request.url.path.rpartition("/")[2], request.url.params.get("slice", "")) for request in history.requests]


def size(history) -> int:
    return sum(int(response.headers["content-length"]) for response in history.responses)


def test_a_dataset_is_as_it_was(opened):
    xr.testing.assert_identical(opened.load(), WEATHER)


def test_opening_fetches_labels_only(node):
    with record_history() as history:
        dataset = xr.open_dataset(node, engine="tiled")
        assert dataset.a.dtype == np.float64
        assert dataset.sizes == {"t": ROWS, "y": COLUMNS}
    assert sorted(asked(history)) == [("t", ""), ("y", "")]


@pytest.mark.parametrize(
    ("select", "text", "count"),
    [
        (lambda a: a[3], "3", COLUMNS),
        (lambda a: a[10:20:5, -1], "10:16:5,49", 2),
        (lambda a: a.isel(y=slice(None, None, -25)), ":,24:50:25", ROWS * 2),
        (lambda a: a.sel(t="2026-01-05", y=20), "4,2", 1),
        (lambda a: a.sel(t=slice("2026-01-05", "2026-01-07"))[:, 1:3], "4:7,1:3", 6),
        (lambda a: a[:20].isel(y=0)[5:], "5:20,0", 15),
        (lambda a: a.isel(y=[4, 2]), ":,2:5", ROWS * 3),
        (lambda a: a.isel(t=xr.DataArray([1, 3], dims="p"), y=xr.DataArray([2, 4], dims="p")), "1:4,2:5", 9),
    ],
)
def test_a_selection_is_one_request_for_what_is_selected(opened, select, text, count):
    """Positions in a list come with what lies between them."""
    with record_history() as history:
        found = select(opened.a).to_numpy()
    np.testing.assert_array_equal(found, select(WEATHER.a).to_numpy())
    ((name, slices),) = asked(history)
    assert (name, slices.replace(f"0:{ROWS}", ":")) == ("a", text)
    assert size(history) == count * 8


def test_what_was_fetched_is_kept(opened):
    with record_history() as history:
        opened.a.variable.load()
        assert float(opened.a.mean()) == float(WEATHER.a.mean())
    assert asked(history) == [("a", "")]


def test_chunks_are_those_of_the_server(node):
    pytest.importorskip("dask")
    dataset = xr.open_dataset(node, engine="tiled", chunks={})
    assert dataset.a.chunks == ((20, 20, 20), (25, 25))
    with record_history() as history:
        found = dataset.a[30:, :10].sum().compute(scheduler="synchronous")
    assert found == WEATHER.a[30:, :10].sum()
    assert sorted(asked(history)) == [("a", "30:40,0:10"), ("a", "40:60,0:10")]


@pytest.mark.parametrize(("dropped", "gone"), [("lon", {"lon"}), (["a", "t"], {"a", "t"}), (["unknown"], set())])
def test_variables_can_be_dropped(node, dropped, gone):
    with record_history() as history:
        dataset = xr.open_dataset(node, engine="tiled", drop_variables=dropped)
    assert set(dataset.variables) == set(WEATHER.variables) - gone
    assert not {name for name, _ in asked(history)} & gone


def test_it_says_where_it_came_from_without_the_key(opened, node):
    assert opened.encoding["source"] == node.uri
    assert opened.a.encoding["preferred_chunks"] == {"t": (20, 20, 20), "y": (25, 25)}


@pytest.mark.parametrize(
    ("tree", "advice"),
    [
        ({"b": MemoryArray([1.0], dims=("x",))}, r"is no dataset.*'container'.*array\.dims, array\.read\(\)"),
        (np.ones(2), "is no dataset.*'array': open it with"),
    ],
)
def test_what_is_no_dataset_says_what_to_do(serve, tree, advice):
    with pytest.raises(ValueError, match=advice):
        xr.open_dataset(serve({"x": tree})["x"], engine="tiled")


def test_an_asynchronous_client_is_refused(node):
    async def read():
        async with await aio.AsyncContext.from_app(node.context.http_client.app) as context:
            xr.open_dataset(await (await aio.from_context(context))["d"], engine="tiled")

    with pytest.raises(CannotWait, match=r"asyncio\.to_thread"):
        asyncio.run(read())


# Through a socket


@pytest.fixture(scope="module")
def url(start_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weather")
    WEATHER.to_netcdf(folder / "d.nc", engine="h5netcdf")
    return f"{start_server('serve', 'directory', folder, '--api-key', 'secret').url}/api/v1/metadata/d"


@pytest.fixture(autouse=True)
def shared_connections():
    yield
    close_shared_connections()


@pytest.mark.parametrize(("query", "options"), [("", {"api_key": "secret"}), ("?api_key=secret", {})])
def test_a_dataset_is_opened_by_its_uri(url, query, options):
    with xr.open_dataset(url + query, engine="tiled", **options) as dataset:
        xr.testing.assert_identical(dataset[["a"]][{"t": 3}].load(), WEATHER[["a"]][{"t": 3}])
        assert "secret" not in dataset.encoding["source"]


def test_headers_are_sent_along(url):
    with record_history() as history:
        xr.open_dataset(url, engine="tiled", api_key="secret", headers={"x-beamline": "7"}).close()
    probe, *requests = history.requests
    assert "x-beamline" not in probe.headers
    assert {request.headers["x-beamline"] for request in requests} == {"7"}


def test_without_the_key_it_is_not_opened(url):
    with pytest.raises(RuntimeError, match="this server wants an API key"):
        xr.open_dataset(url, engine="tiled")
    with pytest.raises(ClientError, match="401"):
        xr.open_dataset(url, engine="tiled", api_key="guessed")


def test_a_closed_dataset_has_closed_its_connection(url):
    dataset = xr.open_dataset(url, engine="tiled", api_key="secret")
    dataset.close()
    with pytest.raises(RuntimeError, match="closed"):
        dataset.a.load()


def test_a_client_stays_open_when_its_dataset_is_closed(url):
    node = from_uri(url, api_key="secret")
    with xr.open_dataset(node, engine="tiled"):
        pass
    assert node["n"].read() == 3.5
    node.context.close()


def test_an_opened_dataset_can_be_sent_elsewhere(url):
    with xr.open_dataset(url, engine="tiled", api_key="secret") as dataset:
        sent = pickle.loads(pickle.dumps(dataset))
        assert not sent.variables["a"]._in_memory
        xr.testing.assert_identical(sent.load(), dataset.load())
        sent.close()


def test_only_uris_of_nodes_are_taken_for_its_own(url, node):
    backend = TiledBackend()
    assert backend.guess_can_open(url)
    assert backend.guess_can_open(node)
    others = ["http://host/data.nc", "http://host/api/v1/metadata/", "/api/v1/metadata/a", "file.nc", b"CDF\x01", 5]
    assert not [other for other in others if backend.guess_can_open(other)]
    assert not backend.guess_can_open(node["a"])


def test_the_engine_is_known_to_xarray():
    assert type(xr.backends.list_engines()["tiled"]) is TiledBackend
