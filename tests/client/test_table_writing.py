"""Tables that a client writes: from whatever holds columns, whole, by partition and row by row."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import httpx
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tiled_sql_catalog.tree import CatalogOptions, build_catalog
from tiled_sql_tables.storage import close as close_database

from tiledkernel.client import ClientError, record_history
from tiledkernel.client.data_sources import DataSource
from tiledkernel.composition import Composition
from tiledkernel.families.table import client_rows
from tiledkernel.families.table.describe import describe_table
from tiledkernel.nodes.storing import parse_location
from tiledkernel.plugins import Plugins
from tiledkernel.server import Settings, build_app

from .faces import WaitingFace
from .scripted import message, resource

FRAME = pd.DataFrame(
    {
        "number": np.arange(10.0),
        "text": [f"text {number}" for number in range(10)],
        "moment": pd.date_range("2020", periods=10),
        "kind": pd.Categorical(list("aabbccddee")),
        "gap": pd.array([1, None] * 5, dtype="Int64"),
    }
)


WAITING = pytest.mark.parametrize("face", [WaitingFace], indirect=True)  # what dask computes is sent by threads


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found, expected, check_categorical=False, check_dtype=False)


# Stored in a new node


def test_a_data_frame_comes_back(catalog: Any) -> None:
    made = catalog.write_table(FRAME, key="t", metadata={"color": "blue"}, specs=["a"])
    assert repr(made) == "<DataFrameClient ['number', 'text', 'moment', 'kind', 'gap']>"
    assert made.metadata["color"] == "blue"
    same(made.read(), FRAME)
    same(catalog["t"].read(["text"]), FRAME[["text"]])


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(range(100, 110), name="point"),
        pd.Index(list("abcdefghij")),
        pd.RangeIndex(5, 15),
        pd.MultiIndex.from_product([[1, 2], list("abcde")], names=["run", "step"]),
        pd.date_range("2020", periods=10, tz="Europe/Berlin", name="when"),
    ],
    ids=["named", "texts", "range", "levels", "moments"],
)
def test_an_index_comes_back(catalog: Any, index: pd.Index) -> None:
    frame = FRAME[["number", "text"]].set_axis(index, axis=0)
    made = catalog.write_table(frame, key="t")
    pd.testing.assert_frame_equal(made.read(), frame, check_freq=False)
    assert made.columns == ["number", "text"]


@pytest.mark.parametrize(
    "data",
    [
        {"a": [1, 2, 3], "b": ["x", "y", None]},
        {"a": np.array([1, 2, 3], ">i8"), "b": pa.array(["x", "y", None])},
        pa.table({"a": [1, 2, 3], "b": ["x", "y", None]}),
        pa.record_batch({"a": [1, 2, 3], "b": ["x", "y", None]}),
        pa.table({"a": [1, 2, 3], "b": pa.array(["x", "y", None], pa.string_view())}),
    ],
    ids=["lists", "arrays", "table", "batch", "views"],
)
def test_columns_of_any_kind_are_a_table(catalog: Any, data: Any) -> None:
    found = catalog.write_table(data, key="t").read()
    assert found["a"].tolist() == [1, 2, 3]
    assert found["b"].tolist()[:2] == ["x", "y"]
    assert found["b"].isna().tolist() == [False, False, True]


def test_a_table_without_rows_has_its_columns(catalog: Any) -> None:
    found = catalog.write_table({"a": [], "b": []}, key="t").read()
    assert list(found.columns) == ["a", "b"]
    assert len(found) == 0


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([1, 2, 3], TypeError, "is no table"),
        ("text", TypeError, "is no table"),
        ({"a": [1], "b": [1, 2]}, ValueError, "the same length"),
        ({"a": 1}, TypeError, "the column 'a' is 1: expected a list"),
        ({"a": "text"}, TypeError, "the column 'a' is 'text'"),
        ({"a": np.zeros((2, 3))}, ValueError, r"the column 'a' has the shape \(2, 3\)"),
        ({1: [1]}, TypeError, "name of a column"),
        ({"_a": [1]}, ValueError, "begin with '_'"),
        (pd.DataFrame({"a": [object()]}), ValueError, "cannot be stored"),
        ({"a": np.zeros(3, "V5")}, TypeError, "cannot hold elements"),
    ],
)
def test_what_is_no_table_is_refused_before_anything_is_sent(
    catalog: Any, data: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        catalog.write_table(data, key="t")
    assert "t" not in catalog


def test_a_large_table_travels_in_parts(catalog: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_rows, "_ONE_PARTITION", 1000)
    frame = pd.DataFrame({"x": np.arange(1000.0)})
    with record_history() as history:
        made = catalog.write_table(frame, key="t")
    assert made.npartitions == 8
    assert [request.method for request in history.requests] == ["POST"] + ["PUT"] * 8
    pd.testing.assert_frame_equal(made.read(), frame)


def test_a_table_without_rows_is_sent_like_any_other(catalog: Any) -> None:
    with record_history() as history:
        made = catalog.write_table({"a": np.zeros(0), "b": []}, key="t")
    assert [request.method for request in history.requests] == ["POST", "PUT"]
    assert len(made.read()) == 0


@WAITING
def test_a_frame_of_dask_is_written_partition_by_partition(catalog: Any) -> None:
    lazy = dd.from_pandas(FRAME, npartitions=3)
    made = catalog.write_table(lazy, key="t")
    assert made.npartitions == 3
    same(made.read(), FRAME)
    same(made.read_partition(1), lazy.partitions[1].compute())


@pytest.mark.parametrize("mimetype", ["application/x-parquet", "text/csv", "application/vnd.apache.arrow.file"])
def test_the_writer_chooses_the_form(catalog: Any, tmp_path: Any, mimetype: str) -> None:
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    source = DataSource(structure_family="table", structure=describe_table(table.schema), mimetype=mimetype)
    made = catalog.new("table", [source], key="t")
    made.write(table)
    assert made.read()["a"].tolist() == [1, 2]
    (kept,) = made.data_sources()
    assert kept.mimetype == mimetype
    assert kept.assets[0].data_uri.startswith("file://localhost/")
    assert len(list(tmp_path.rglob("partition-0.*"))) == 1


# Written again


@pytest.fixture
def table(catalog: Any) -> Any:
    return catalog.write_table({"a": [1, 2, 3], "b": ["x", "y", "z"]}, key="t")


def test_all_rows_are_replaced(table: Any) -> None:
    assert table.write({"a": [4], "b": ["v"]}) is None
    assert table.read().to_dict("list") == {"a": [4], "b": ["v"]}


@WAITING
def test_a_partition_is_replaced(catalog: Any) -> None:
    made = catalog.write_table(dd.from_pandas(FRAME[["number", "text"]], npartitions=2), key="t")
    made.write_partition(1, pd.DataFrame({"number": [7.0], "text": ["new"]}, index=[99]))
    assert made.read_partition(1)["text"].tolist() == ["new"]
    assert made.read()["number"].tolist() == [0, 1, 2, 3, 4, 7]


def test_numbers_are_converted_if_nothing_is_lost(catalog: Any) -> None:
    schema = pa.schema([("a", pa.int16()), ("b", pa.float32()), ("c", pa.timestamp("ms"))])
    made = catalog.write_table(schema.empty_table(), key="t")
    made.write(pd.DataFrame({"a": [1, 2], "b": [1, 2], "c": pd.to_datetime(["2020", "2021"])}))
    assert made.read()["a"].dtype == np.int16
    assert made.read()["c"].dt.year.tolist() == [2020, 2021]
    made.write({"a": [3], "b": [0.5], "c": [None]})
    assert made.read()["b"].tolist() == [0.5]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": [1.5], "b": ["x"]}, "'a' is of type double, expected int64"),
        ({"a": ["one"], "b": ["x"]}, "'a' is of type string, expected int64"),
        ({"a": [1]}, "'b' of type string is missing"),
        ({"a": [1], "b": ["x"], "c": [1]}, "no column 'c'"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_column(table: Any, data: Any, message: str) -> None:
    with record_history() as history, pytest.raises(ClientError, match=message):
        table.write(data)
    assert len(history.requests) == 1
    assert table.read()["a"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("method", ["write_partition", "append_partition"])
def test_a_partition_that_there_is_not_is_refused_here(table: Any, method: str) -> None:
    for number in (-1, 1):
        with record_history() as history, pytest.raises(ValueError, match=f"no partition {number}"):
            getattr(table, method)(number, {"a": [1], "b": ["x"]})
        assert not history.requests


def test_a_table_in_files_says_what_can_grow(table: Any) -> None:
    with pytest.raises(ClientError, match=r"405.*create_appendable_table"):
        table.append_partition(0, {"a": [1], "b": ["x"]})


def test_swapped_arguments_still_work_with_a_warning(table: Any) -> None:
    with pytest.warns(DeprecationWarning, match=r"write_partition\(0, rows\)"):
        table.write_partition({"a": [9], "b": ["x"]}, 0)
    assert table.read()["a"].tolist() == [9]


def test_what_is_no_number_is_no_partition(table: Any) -> None:
    with pytest.raises(TypeError, match="counted from 0"):
        table.write_partition("0", {"a": [9], "b": ["x"]})


def test_a_frame_of_dask_must_be_divided_as_the_table_is(table: Any) -> None:
    frame = dd.from_pandas(pd.DataFrame({"a": [4, 5], "b": ["x", "y"]}), npartitions=2)
    with pytest.raises(ValueError, match=r"repartition\(npartitions=1\)"):
        table.write(frame)


# Growing

SCHEMA = pa.schema({"x": pa.float64(), "note": pa.string(), "when": pa.timestamp("us", "UTC")})
MOMENT = pd.Timestamp("2024-02-29", tz="UTC")


@pytest.fixture
def reopen(face: Any, installation: Plugins, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """The client of a catalog with a database for tables; each call is a restart of the server."""
    trees: list[Any] = []
    location = parse_location(f"sqlite:///{tmp_path}/tables.db")

    def start(around: Callable[[Any], Any] = lambda app: app) -> Any:
        while trees:
            trees.pop().close()
        options = CatalogOptions(
            uri=f"{tmp_path}/catalog.db", writable_storage=[f"{tmp_path}/data", location.uri], init_if_not_exists=True
        )
        composition = Composition(installation)
        trees.append(build_catalog(options, composition))
        settings = Settings(single_user_api_key="secret")
        return face.connect(around(build_app(trees[-1], settings=settings, composition=composition)))

    yield start
    trees.pop().close()
    close_database(location)


@pytest.fixture
def growing(reopen: Callable[[], Any]) -> Any:
    return reopen().create_appendable_table(SCHEMA, key="t")


@pytest.mark.parametrize(
    "rows",
    [
        {"x": [1, 2], "note": ["a", None], "when": [MOMENT, None]},
        pd.DataFrame({"x": [1, 2], "note": ["a", None], "when": [MOMENT, None]}),
        pd.DataFrame({"x": [1, 2], "note": ["a", None], "when": [MOMENT, None]}, index=[5, 7]),
        pa.table({"x": [1.0, 2.0], "note": ["a", None], "when": pa.array([MOMENT, None], pa.timestamp("us", "UTC"))}),
        {"when": [MOMENT, None], "note": pa.array(["a", None]).dictionary_encode(), "x": np.array([1, 2], "i2")},
    ],
    ids=["columns", "frame", "frame with index", "arrow", "other types"],
)
def test_rows_of_any_kind_are_added(growing: Any, rows: Any) -> None:
    assert growing.append_partition(0, rows) is None
    growing.append_partition(0, rows)
    found = growing.read()
    assert found["x"].tolist() == [1, 2, 1, 2]
    assert found["note"].isna().tolist() == [False, True] * 2
    assert found["when"].tolist()[0] == MOMENT
    assert list(found.columns) == ["x", "note", "when"]


def test_rows_survive_a_restart_of_the_server(reopen: Callable[[], Any]) -> None:
    made = reopen().create_appendable_table(SCHEMA, 2, key="t", table_name="scans", metadata={"color": "blue"})
    made.append_partition(1, {"x": [1], "note": ["a"], "when": [None]})
    again = reopen()["t"]
    again.append_partition(0, {"x": [2], "note": ["b"], "when": [None]})
    assert again.read()["x"].tolist() == [2, 1]
    assert again.read_partition(1)["note"].tolist() == ["a"]
    assert again.metadata["color"] == "blue"
    (source,) = again.data_sources()
    assert source.mimetype == "application/x-tiled-sql-table"
    assert source.parameters["table_name"] == "scans"
    assert source.assets[0].data_uri.startswith("sqlite:///")


def test_a_table_that_grows_can_be_replaced(growing: Any) -> None:
    growing.append_partition(0, {"x": [1], "note": ["a"], "when": [None]})
    growing.write({"x": [2], "note": ["b"], "when": [None]})
    growing.write_partition(0, {"x": [3], "note": ["c"], "when": [None]})
    growing.append_partition(0, {"x": [4], "note": ["d"], "when": [None]})
    assert growing.read()["note"].tolist() == ["c", "d"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"x": [1], "note": ["a"]}, "'when' of type timestamp"),
        ({"x": ["one"], "note": ["a"], "when": [None]}, "'x' is of type string, expected double"),
        ({"x": [1], "note": ["a"], "when": [None], "y": [1]}, "no column 'y'"),
    ],
)
def test_rows_that_do_not_fit_are_refused_at_once(growing: Any, rows: Any, message: str) -> None:
    with record_history() as history, pytest.raises(ClientError, match=message):
        growing.append_partition(0, rows)
    assert len(history.requests) == 1
    assert len(growing.read()) == 0


def test_rows_of_a_deleted_node_are_deleted_and_no_others(reopen: Callable[[], Any], tmp_path: Path) -> None:
    client = reopen()
    one, other = (client.create_appendable_table(SCHEMA, key=key, table_name="scans") for key in "ab")
    one.append_partition(0, {"x": [1], "note": ["a"], "when": [None]})
    other.append_partition(0, {"x": [2], "note": ["b"], "when": [None]})
    one.delete(external_only=False)
    assert other.read()["x"].tolist() == [2]
    with closing(sqlite3.connect(tmp_path / "tables.db")) as database:
        assert database.execute("SELECT x FROM scans").fetchall() == [(2.0,)]
        other.delete(external_only=False)
        assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'scans'").fetchall()


def test_swapped_arguments_of_append_still_work_with_a_warning(growing: Any) -> None:
    with pytest.warns(DeprecationWarning, match=r"append_partition\(0, rows\)"):
        growing.append_partition({"x": [1], "note": ["a"], "when": [None]}, 0)
    assert growing.read()["x"].tolist() == [1]


class LosesAnswers:
    """An application that carries out every append, and loses the answer each first time."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.keys: list[str] = []
        self.state = app.state

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "http" or scope["method"] != "PATCH":
            await self._app(scope, receive, send)
            return
        self.keys.append(dict(scope["headers"])[b"idempotency-key"].decode())
        if self.keys.count(self.keys[-1]) > 1:
            await self._app(scope, receive, send)
            return

        async def lose(message: Any) -> None:
            del message

        await self._app(scope, receive, lose)
        raise httpx.ReadTimeout("the answer is lost")


@pytest.mark.usefixtures("impatient")
def test_our_server_is_asked_again_and_adds_rows_once(reopen: Callable[..., Any]) -> None:
    apps: list[LosesAnswers] = []

    def around(app: Any) -> LosesAnswers:
        apps.append(LosesAnswers(app))
        return apps[-1]

    table = reopen(around).create_appendable_table(SCHEMA, key="t")
    for number in (1, 2):
        table.append_partition(0, {"x": [number], "note": ["a"], "when": [None]})
    first, again, second, once_more = apps[0].keys
    assert first == again != second == once_more
    assert table.read()["x"].tolist() == [1, 2]


@pytest.mark.usefixtures("impatient")
def test_another_server_is_not_asked_again(scripted_client: Any) -> None:
    """It would add the rows twice."""
    structure = msgspec.to_builtins(describe_table(SCHEMA))
    client, app = scripted_client(resource("t", "table", structure=structure), httpx.ReadTimeout("no answer"))
    client.item["links"]["partition"] = "http://local-tiled-app/api/v1/table/partition/t?partition={index}"
    with pytest.raises(httpx.ReadTimeout):
        client.append_partition(0, {"x": [1], "note": ["a"], "when": [None]})
    assert [received.method for received in app.received] == ["PATCH"]


@WAITING
def test_who_reads_while_others_append_sees_whole_batches(growing: Any) -> None:
    """Through the server, with several connections."""
    size, done, seen = 200, threading.Event(), []

    def read() -> None:
        while not done.is_set():
            seen.append(growing.read()["x"].tolist())

    def append(writer: int) -> None:
        for number in range(6):
            value = float(10 * writer + number)
            growing.append_partition(0, {"x": [value] * size, "note": ["n"] * size, "when": [None] * size})

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(append, range(2)))
    finally:
        done.set()
        reader.join()
    for found in [*seen, growing.read()["x"].tolist()]:
        assert found == [first for first in found[::size] for _ in range(size)]
    assert len(growing.read()) == 12 * size


def test_the_appendable_table_is_described_with_the_name_in_the_database(scripted_client: Any) -> None:
    made = message({"id": "x", "links": {"self": "http://x/api/v1/metadata/x", "partition": "http://x/p", "full": "f"}})
    client, app = scripted_client(resource(""), made)
    schema = pa.schema([("x", pa.float64()), ("kind", pa.dictionary(pa.int8(), pa.string()))])
    client.create_appendable_table(schema, 2, table_name="scans", key="x")
    (source,) = app.received[0].json["data_sources"]
    assert source["mimetype"] == "application/x-tiled-sql-table"
    assert source["parameters"] == {"table_name": "scans"}
    assert source["structure"]["npartitions"] == 2
