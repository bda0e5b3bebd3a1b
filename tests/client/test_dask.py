"""Reading later: nothing travels until it is computed, and then no more than is needed."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from tiledkernel import references
from tiledkernel.client import Context, aio, from_context, from_uri, record_history
from tiledkernel.client.connection import CannotWait
from tiledkernel.client.lazy import close_shared_connections
from tiledkernel.families.array.client_source import ArraySource
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.server import Settings, build_app

CUBE = np.arange(6 * 7 * 8).reshape(6, 7, 8)
CHUNKS = ((2, 2, 2), (4, 3), (8,))
FRAME = pd.DataFrame(
    {
        "A": np.arange(10.0),
        "B": [f"text {number}" for number in range(10)],
        "C": pd.date_range("2020", periods=10),
        "D": pd.Categorical(list("ababababab")),
        "E": [b"\x00\xff"] * 10,
    },
    index=pd.Index(range(100, 110), name="index"),
)
TREE = {
    "cube": MemoryArray(CUBE, chunks=CHUNKS),
    "number": np.array(3.5),
    "empty": np.zeros((0, 3)),
    "pets": np.array([("Rex", 9), ("Fido", 3)], dtype=[("name", "U10"), ("age", "<i4")]),
    "table": MemoryTable(FRAME, npartitions=3),
}


@pytest.fixture
def app(kernel: Any) -> Any:
    return build_app(TREE, settings=Settings(allow_anonymous_access=True), composition=kernel)


@pytest.fixture
def client(app: Any) -> Iterator[Any]:
    with Context.from_app(app) as context:
        yield from_context(context, "dask")


@pytest.fixture
def cube(client: Any) -> Any:
    return client["cube"]


@pytest.fixture
def table(client: Any) -> Any:
    return client["table"]


def computed(make: Callable[[], Any]) -> tuple[Any, list[Any]]:
    """What is computed, and the requests that this took; none may be made before."""
    with record_history() as history:
        lazy = make()
        assert history.requests == []
        found = lazy.compute(scheduler="synchronous")
    return found, history.requests


def selected(requests: list[Any]) -> list[str]:
    return [request.url.params.get("slice", "") for request in requests]


# Arrays


@pytest.mark.parametrize(
    ("index", "slices"),
    [
        (..., ["0:2,0:4", "0:2,4:7", "2:4,0:4", "2:4,4:7", "4:6,0:4", "4:6,4:7"]),
        (np.s_[1:3, 2:6], ["1:2,2:4", "1:2,4:6", "2:3,2:4", "2:3,4:6"]),
        (np.s_[1, ::2, ::-1], ["1,0:3:2", "1,4:7:2"]),
        (np.s_[::-3, ::2, 7], ["5:6,0:3:2,7", "5:6,4:7:2,7", "2:3,0:3:2,7", "2:3,4:7:2,7"]),
        (np.s_[::-1, 0], ["4:6,0", "2:4,0", "0:2,0"]),
        (np.s_[2, 3, 4], ["2,3,4"]),
        (-1, ["5,0:4", "5,4:7"]),
        (np.s_[3:3], []),
    ],
    ids=str,
)
def test_an_index_costs_one_request_for_each_chunk_that_it_touches(cube: Any, index: Any, slices: list[str]) -> None:
    """And of each chunk only what is selected."""
    found, requests = computed(lambda: cube[index])
    np.testing.assert_array_equal(found, CUBE[index])
    assert sorted(selected(requests)) == sorted(slices)


@pytest.mark.parametrize(
    ("index", "count"),
    [([0, 5], 4), (np.s_[:, [1, 2]], 3), (np.s_[None, 0], 2), (CUBE[:, 0, 0] > 200, 4), (np.s_[[1], ::-1], 2)],
    ids=str,
)
def test_lists_masks_and_new_axes_select_as_in_numpy(cube: Any, index: Any, count: int) -> None:
    found, requests = computed(lambda: cube[index])
    np.testing.assert_array_equal(found, CUBE[index])
    assert len(requests) <= count + 2


@pytest.mark.parametrize("index", [6, (0, 7), (0, 0, 0, 0)], ids=str)
def test_what_cannot_be_selected_is_an_index_error_at_once(cube: Any, index: Any) -> None:
    with record_history() as history, pytest.raises(IndexError):
        cube[index]
    assert history.requests == []


@pytest.mark.parametrize(
    ("select", "slices"),
    [
        (lambda x: x[4, 1], ["4,1"]),
        (lambda x: x[4:, 2:, ::4], ["4:6,2:4,0:5:4", "4:6,4:7,0:5:4"]),
        (lambda x: x[1:5, 2:3], ["1:2,2:3", "2:4,2:3", "4:5,2:3"]),
    ],
)
def test_what_dask_selects_later_is_all_that_travels(cube: Any, select: Any, slices: list[str]) -> None:
    found, requests = computed(lambda: select(cube.read()))
    np.testing.assert_array_equal(found, select(CUBE))
    assert sorted(selected(requests)) == sorted(slices)


@pytest.mark.parametrize(
    ("compute", "count"), [(lambda x: x[4][1:3].sum(), 1), (lambda x: x[:, 5:].max(axis=1)[0], 1), (np.mean, 6)]
)
def test_chunks_that_are_not_needed_are_not_fetched(cube: Any, compute: Any, count: int) -> None:
    found, requests = computed(lambda: compute(cube.read()))
    np.testing.assert_array_equal(found, compute(CUBE))
    assert len(requests) == count


def test_a_selection_is_an_array_of_dask_with_the_servers_chunks(cube: Any) -> None:
    lazy = cube.read()
    assert isinstance(lazy, da.Array)
    assert (lazy.shape, lazy.dtype, lazy.chunks) == (CUBE.shape, CUBE.dtype, CHUNKS)
    assert cube[1:, ::-1].chunks == ((1, 2, 2), (3, 4), (8,))


def test_a_block_is_one_request(cube: Any) -> None:
    found, requests = computed(lambda: cube.read_block((1, 1, 0)))
    np.testing.assert_array_equal(found, CUBE[2:4, 4:7])
    assert selected(requests) == ["2:4,4:7"]
    found, requests = computed(lambda: cube.read_block((1, 1, 0), np.s_[0, ::-2]))
    np.testing.assert_array_equal(found, CUBE[2, [6, 4]])
    assert selected(requests) == ["2,4:7:2"]


@pytest.mark.parametrize("block", [(3, 0, 0), (0, 0), (-1, 0, 0)])
def test_a_block_outside_the_grid_is_an_index_error(cube: Any, block: Any) -> None:
    with pytest.raises(IndexError, match="no block"):
        cube.read_block(block)


@pytest.mark.parametrize("key", ["number", "empty", "pets"])
def test_arrays_of_all_kinds_are_read_later(client: Any, key: str) -> None:
    array = client[key]
    found, requests = computed(array.read)
    np.testing.assert_array_equal(found, TREE[key])
    assert (found.shape, found.dtype) == (TREE[key].shape, TREE[key].dtype)
    assert len(requests) == (key != "empty")


def test_a_field_of_records_is_read_later(client: Any) -> None:
    pets = client["pets"]
    found, _ = computed(lambda: pets["name"])
    assert found.tolist() == ["Rex", "Fido"]


def test_all_of_an_array_is_computed_in_one_request_if_it_is_small(cube: Any) -> None:
    with record_history() as history:
        np.testing.assert_array_equal(cube.compute(), CUBE)
        np.testing.assert_array_equal(np.asarray(cube), CUBE)
    assert len(history.requests) == 2


def test_rows_are_read_later(cube: Any) -> None:
    with record_history() as history:
        rows = list(cube)
    assert history.requests == []
    np.testing.assert_array_equal(rows[4].compute(), CUBE[4])


def test_an_array_says_that_it_is_read_later(cube: Any) -> None:
    assert repr(cube) == "<DaskArrayClient shape=(6, 7, 8) chunks=((2, 2, 2), (4, 3), (8,)) dtype=int64>"


@pytest.mark.parametrize(
    "index", [np.s_[:, [1, 3]], np.s_[np.array([4, 0]), 1:3], np.s_[[-1, 0]], np.s_[[], 1:], np.s_[0, [1, 1]]], ids=str
)
def test_a_source_takes_lists_along_an_axis(cube: Any, index: Any) -> None:
    """Dask may move such a selection into the reading of a chunk."""
    with record_history() as history:
        np.testing.assert_array_equal(ArraySource(cube)[index if isinstance(index, tuple) else (index,)], CUBE[index])
    assert len(history.requests) <= 1


# Tables


def test_a_table_is_read_later_with_its_index_and_types(table: Any) -> None:
    found, requests = computed(table.read)
    pd.testing.assert_frame_equal(found, FRAME)
    assert sorted(request.url.params["partition"] for request in requests) == ["0", "1", "2"]


def test_what_a_table_holds_is_known_before_it_is_read(table: Any) -> None:
    with record_history() as history:
        lazy = table.read()
        kinds = lazy.dtypes
    assert history.requests == []
    assert isinstance(lazy, dd.DataFrame)
    assert (lazy.npartitions, lazy.index.name) == (3, "index")
    assert kinds.drop("D").equals(FRAME.dtypes.drop("D"))
    assert not lazy["D"].cat.known


@pytest.mark.parametrize(
    ("select", "columns"),
    [
        (lambda frame: frame["A"].sum(), ["A"]),
        (lambda frame: frame[["C", "A"]], ["C", "A"]),
        (lambda frame: frame[frame["A"] > 3]["B"], ["A", "B"]),
    ],
)
def test_columns_that_are_not_needed_do_not_travel(table: Any, select: Any, columns: list[str]) -> None:
    found, requests = computed(lambda: select(table.read()))
    assert {frozenset(request.url.params.get_list("column")) for request in requests} == {frozenset(columns)}
    assert len(requests) == 3
    expected = select(FRAME)
    assert found.equals(expected) if hasattr(found, "equals") else found == expected


@pytest.mark.parametrize("columns", [["C", "A"], "B"])
def test_columns_are_named(table: Any, columns: Any) -> None:
    found, requests = computed(lambda: table.read(columns))
    pd.testing.assert_frame_equal(found, FRAME[[columns] if isinstance(columns, str) else columns])
    assert {tuple(request.url.params.get_list("column")) for request in requests} == {tuple(columns)}


def test_an_unknown_column_is_a_key_error_at_once(table: Any) -> None:
    with pytest.raises(KeyError, match=r"no column 'nope': this table has A, B, C, D, E"):
        table.read(["A", "nope"])


def test_a_partition_is_one_request(table: Any) -> None:
    found, requests = computed(lambda: table.read_partition(1, ["A", "B"]))
    pd.testing.assert_frame_equal(found, FRAME[["A", "B"]].iloc[3:6])
    assert [request.url.params["partition"] for request in requests] == ["1"]
    with pytest.raises(IndexError, match="this table has 3"):
        table.read_partition(3)


def test_a_column_is_an_array_that_is_read_later(table: Any) -> None:
    column = table["A"]
    found, requests = computed(lambda: column[4:])
    assert found.tolist() == FRAME["A"][4:].tolist()
    assert sorted(selected(requests)) == ["4:6", "6:10"]


def test_all_of_a_table_is_computed(table: Any) -> None:
    pd.testing.assert_frame_equal(table.compute(), FRAME)
    assert repr(table) == "<DaskDataFrameClient ['A', 'B', 'C', 'D', 'E']>"


# Graphs


def test_the_same_selection_has_the_same_name(client: Any, app: Any) -> None:
    with Context.from_app(app) as other:
        again = from_context(other, "dask")
        assert again["cube"][1:3].name == client["cube"][1:3].name
        assert again["table"].read()._name == client["table"].read()._name
    names = {client["cube"][index].name for index in (np.s_[1:3], np.s_[1:4], np.s_[3:1:-1], np.s_[1:3, 0])}
    assert len(names) == 4


def test_arrays_of_two_applications_are_told_apart(client: Any, kernel: Any) -> None:
    """They have the same URI, and the same structure."""
    tree = {"cube": MemoryArray(-CUBE, chunks=CHUNKS)}
    app = build_app(tree, settings=Settings(allow_anonymous_access=True), composition=kernel)
    with Context.from_app(app) as context:
        both = client["cube"].read() + from_context(context, "dask")["cube"].read()
        assert not both.compute().any()


def test_an_application_in_this_process_cannot_be_sent_elsewhere(cube: Any) -> None:
    with pytest.raises(TypeError, match="serve it"):
        pickle.dumps(cube.read())


@pytest.fixture
def served(start_server: Any) -> Iterator[Any]:
    server = start_server("serve", "demo", "--public")
    client = from_uri(f"http://{server.address}", "dask")
    yield client
    client.context.close()


@pytest.mark.slow
def test_graphs_are_computed_by_other_processes(served: Any) -> None:
    array, table = served["medium_image"], served["short_table"]
    with dask.config.set(scheduler="processes", num_workers=1):
        found, rows = array[:10, ::100].compute(), table.read(["A"]).compute()
    np.testing.assert_array_equal(found, array.compute()[:10, ::100])
    pd.testing.assert_frame_equal(rows, table.compute()[["A"]])


def test_tasks_in_another_process_share_one_connection(served: Any) -> None:
    """What they carry is small, whatever the owner says about the data."""
    first, second = (ArraySource(served[key]) for key in ("medium_image", "tiny_cube"))
    with record_history() as history:
        sent = [pickle.loads(pickle.dumps(source)) for source in (first, second, first)]
    assert len(history.requests) == 1
    assert len({id(source.node.context) for source in sent}) == 1
    assert sent[0].node.context is not served.context
    close_shared_connections()


# Where it does not work


def test_an_asynchronous_client_says_what_to_use_instead(app: Any) -> None:
    async def read() -> Any:
        async with await aio.AsyncContext.from_app(app) as context:
            client = await aio.from_context(context, "dask")
            array, table = await client["cube"], await client["table"]
            for lazily in (array.read, table.read, lambda: array[0]):
                with pytest.raises(CannotWait, match=r"asyncio\.to_thread"):
                    lazily()
            return await array.compute(), await table.compute()

    elements, rows = asyncio.run(read())
    np.testing.assert_array_equal(elements, CUBE)
    pd.testing.assert_frame_equal(rows, FRAME)


def test_without_dask_one_is_told_what_to_install(cube: Any, table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "installed", lambda name: name != "dask")
    for lazily in (cube.read, table.read, lambda: cube[0]):
        with pytest.raises(ImportError, match=r"pip install 'tiledkernel\[dask\]'"):
            lazily()
    assert cube.compute().shape == CUBE.shape


def test_dask_loads_when_something_is_read() -> None:
    code = """
import sys
import tiledkernel.families.array.client_dask, tiledkernel.families.table.client_dask
assert not [name for name in sys.modules if name.partition(".")[0] in ("dask", "pandas", "pyarrow")]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
