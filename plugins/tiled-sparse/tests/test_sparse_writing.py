"""Sparse arrays that a client uploads to a catalog, and requests that cannot be meant."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sparse
from tiled_sparse.client import SparseClient
from tiled_sparse.memory import MemorySparse

from tiledkernel.client import ClientError, aio, record_history
from tiledkernel.client.data_sources import DataSource

ARROW = "application/vnd.apache.arrow.file"
COORDS = [[0, 1, 3], [2, 0, 4]]
VALUES = [1.5, -2.5, 3.5]
DENSE = sparse.COO(COORDS, VALUES, shape=(4, 5)).todense()


def arrow(columns: Any) -> bytes:
    table = pa.Table.from_pandas(columns) if isinstance(columns, pd.DataFrame) else pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def put(client: Any, path: str, body: bytes, media_type: str = ARROW, **headers: str) -> Any:
    context = client.context
    return context.http_client.put(
        f"{context.api_uri}{path}", content=body, headers={"content-type": media_type, **headers}
    )


def message(response: Any) -> str:
    detail = response.json()["detail"]
    return detail if isinstance(detail, str) else detail[0]["msg"]


@pytest.fixture
def x(catalog) -> SparseClient:
    """A sparse array of one chunk, with elements."""
    return catalog.write_sparse(COORDS, VALUES, (4, 5), key="x")


@pytest.fixture
def chunked(catalog) -> SparseClient:
    """A sparse array of four chunks, without elements."""
    structure = MemorySparse(np.zeros((2, 0)), [], (4, 6), chunks=(2, 3)).structure
    return catalog.new("sparse", [DataSource(structure_family="sparse", structure=structure)], key="chunked")


# The client


def test_what_is_written_is_read(x) -> None:
    assert isinstance(x, SparseClient)
    assert repr(x) == "<SparseClient shape=(4, 5) chunks=((4,), (5,))>"
    assert np.array_equal(x.read().todense(), DENSE)
    assert np.array_equal(x[1:, ::-1].todense(), DENSE[1:, ::-1])


def test_a_new_array_is_two_requests(catalog) -> None:
    with record_history() as history:
        catalog.write_sparse(COORDS, VALUES, (4, 5), key="x")
    assert [request.method for request in history.requests] == ["POST", "PUT"]


def test_it_is_described_as_it_was_said(catalog) -> None:
    x = catalog.write_sparse(COORDS, VALUES, (4, 5), key="x", dims=["row", "column"], metadata={"a": 1}, specs=["s"])
    found = catalog["x"]
    assert (x.dims, found.dims, found.metadata["a"], [spec.name for spec in found.specs]) == (
        ("row", "column"), ("row", "column"), 1, ["s"],
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f4", "M8[ns]"])
def test_elements_keep_their_type(catalog, dtype) -> None:
    values = np.array([1, 2]).astype(dtype)
    found = catalog.write_sparse([[0, 5]], values, (6,)).read()
    assert (found.dtype, found.data.tolist()) == (values.dtype, values.tolist())


def test_all_elements_are_replaced(x) -> None:
    x.write([[1], [1]], [7.0])
    assert x.read().todense().sum() == x.read().todense()[1, 1] == 7
    x.write(np.zeros((2, 0), int), [])
    assert x.read().nnz == 0


def test_blocks_are_written_one_by_one(chunked) -> None:
    assert chunked.read().nnz == 0
    chunked.write_block([[0, 1], [0, 2]], [1.0, 2.0], (1, 0))
    chunked.write_block([[0], [0]], [3.0], (0, 1))
    expected = np.zeros((4, 6))
    expected[2, 0], expected[3, 2], expected[0, 3] = 1, 2, 3
    assert np.array_equal(chunked.read().todense(), expected)
    assert chunked.read_block((1, 0)).todense().tolist() == [[1, 0, 0], [0, 0, 2]]


def test_elements_of_the_whole_are_divided_among_the_blocks(chunked) -> None:
    chunked.write([[0, 3, 2], [0, 5, 1]], [1.0, 2.0, 3.0])
    assert chunked.read_block((1, 1)).todense()[1, 2] == 2
    assert chunked.read().sum() == 6


@pytest.mark.parametrize(
    ("write", "error", "reason"),
    [
        (lambda x: x.write([[4], [0]], [1.0]), ValueError, "outside the shape"),
        (lambda x: x.write([[0], [0]], [1j]), TypeError, "complex128 do not fit an array of type float64"),
        (lambda x: x.write([[0]], [1.0]), ValueError, "one row for each axis"),
        (lambda x: x.write_block([[0], [0]], [1.0], (1, 0)), IndexError, "no block"),
        (lambda x: x.write_block([[0], [0]], [1.0], 0), IndexError, "no block"),
    ],
)
def test_what_does_not_fit_is_an_error_before_anything_travels(x, write, error, reason) -> None:
    with record_history() as history, pytest.raises(error, match=reason):
        write(x)
    assert not history.requests


@pytest.mark.parametrize(
    ("coords", "values", "reason"),
    [
        ([[0, 1], [2, 3], [3, 4]], [1, 2, 3], r"shape \(3, 2\) .* expected \(2, 3\)"),
        ([[0, 1], [2, 3]], [1], r"shape \(2, 2\) .* expected \(2, 1\)"),
        ([0, 1], [1], r"shape \(2,\) .* expected \(2, 1\)"),
        ([[0.5], [1]], [1], "not float64"),
    ],
)
def test_coordinates_have_a_row_for_each_axis(catalog, coords, values, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        catalog.write_sparse(coords, values, (4, 5), key="y")
    assert "y" not in catalog


def test_coordinates_along_a_line_may_be_one_row(catalog) -> None:
    assert catalog.write_sparse([0, 3], [1.5, 2.5], (5,), key="y").read().todense().tolist() == [1.5, 0, 0, 2.5, 0]


def test_elements_that_no_table_holds_are_refused_and_no_node_is_made(catalog) -> None:
    with pytest.raises(ClientError, match="complex128 cannot be kept"):
        catalog.write_sparse([[0]], [1j], (3,), key="x")
    assert list(catalog) == []


def test_programs_that_await_write_too(catalog_app) -> None:
    async def run() -> Any:
        context = await aio.AsyncContext.from_app(catalog_app)
        client = await aio.from_context(context)
        x = await client.write_sparse(COORDS, VALUES, (4, 5), key="x")
        await x.write_block([[0], [0]], [9.0], (0, 0))
        found = await x.read()
        await context.aclose()
        return found

    assert asyncio.run(run()).todense()[0, 0] == 9


# What other programs send


def test_the_index_of_a_data_frame_does_not_matter(x) -> None:
    frame = pd.DataFrame({"dim0": [0, 1], "dim1": [0, 1], "data": [1.0, 2.0]}, index=[7, 9])
    assert put(x, "array/full/x", arrow(frame)).json() is None
    assert x.read().sum() == 3


@pytest.mark.parametrize(
    "columns",
    [
        {"dim0": [3, 0], "dim1": [4, 0], "data": [2.0, 1.0]},  # in any order
        {"data": [1.0, 2.0], "dim1": [0, 4], "dim0": [0, 3]},
        {"dim0": pa.array([0, 3], pa.uint8()), "dim1": pa.array([0, 4], pa.int16()), "data": [1.0, 2.0]},
        {"dim0": [0, 3], "dim1": [0, 4], "data": pa.array([1, 2], pa.int16())},  # which a float holds
    ],
)
def test_elements_come_in_any_order_and_in_any_type_that_loses_nothing(x, columns) -> None:
    assert put(x, "array/full/x", arrow(columns)).status_code == 200
    assert (x.read().coords.tolist(), x.read().data.tolist()) == ([[0, 3], [0, 4]], [1, 2])


def test_no_elements_may_come_without_types(x) -> None:
    nothing = pa.array([], pa.null())
    assert put(x, "array/full/x", arrow({"dim0": nothing, "dim1": nothing, "data": nothing})).status_code == 200
    assert x.read().nnz == 0


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"dim0": [4], "dim1": [0], "data": [1.0]}, "coordinates 4 to 4 of axis 0 lie outside"),
        ({"dim0": [0], "dim1": [-1], "data": [1.0]}, "coordinates -1 to -1 of axis 1 lie outside"),
        ({"dim0": [0.0], "dim1": [0], "data": [1.0]}, "'dim0' is of type double"),
        ({"dim0": [0], "data": [1.0]}, "'dim1' of type int64 is missing"),
        ({"dim0": [0], "dim1": [0]}, "'data' of type double is missing"),
        ({"dim0": [0], "dim1": [0], "dim2": [0], "data": [1.0]}, "no column 'dim2'"),
        ({"dim0": [0], "dim1": [0], "data": ["a"]}, "'data' is of type string"),
        ({"dim0": [0], "dim1": [0], "data": pa.array([None], pa.float64())}, "'data' lacks 1 values"),
        ({"dim0": pa.array([None], pa.int64()), "dim1": [0], "data": [1.0]}, "'dim0' lacks 1 values"),
    ],
)
def test_elements_that_do_not_fit_are_refused_and_nothing_changes(x, columns, reason) -> None:
    response = put(x, "array/full/x", arrow(columns))
    assert response.status_code == 422
    assert reason in message(response)
    assert np.array_equal(x.read().todense(), DENSE)


@pytest.mark.parametrize(
    ("path", "body", "media_type", "status"),
    [
        ("array/full/x", b"", ARROW, 422),
        ("array/full/x", b"nonsense", ARROW, 422),
        ("array/full/x", arrow({"dim0": [0], "dim1": [0], "data": [1.0]})[:-20], ARROW, 422),
        ("array/full/x", arrow({"dim0": [0], "dim1": [0], "data": [1.0]}), "text/csv", 415),
        ("array/full/x", bytes(3 << 20), ARROW, 422),
        ("array/block/x", b"", ARROW, 422),
        ("array/block/x?block=1,0", b"", ARROW, 422),
        ("array/block/x?block=a", b"", ARROW, 422),
        ("array/full/x?persist=maybe", b"", ARROW, 422),
        ("array/full/nowhere", b"", ARROW, 404),
    ],
)
def test_what_cannot_be_meant_is_refused(x, path, body, media_type, status) -> None:
    response = put(x, path, body, media_type)
    assert response.status_code == status
    assert message(response)
    assert np.array_equal(x.read().todense(), DENSE)


def test_coordinates_of_a_block_must_lie_in_it(chunked) -> None:
    response = put(chunked, "array/block/chunked?block=1,1", arrow({"dim0": [2], "dim1": [0], "data": [1.0]}))
    assert response.status_code == 422
    assert "those of a block count from its beginning" in message(response)


def test_without_persist_elements_are_looked_at_and_not_kept(x) -> None:
    fitting, wrong = {"dim0": [0], "dim1": [0], "data": [9.0]}, {"dim0": [9], "dim1": [0], "data": [9.0]}
    for path in ("array/full/x?persist=false", "array/block/x?block=0,0&persist=false"):
        assert put(x, path, arrow(fitting)).status_code == 200
        assert put(x, path, arrow(wrong)).status_code == 422
    assert np.array_equal(x.read().todense(), DENSE)


def test_arrays_that_were_not_uploaded_cannot_be_written(serve) -> None:
    client = serve({"x": sparse.COO(COORDS, VALUES, shape=(4, 5))}, single_user_api_key="secret")
    context = client.context
    response = context.http_client.put(
        f"{context.api_uri}array/full/x", content=b"", headers={"authorization": "Apikey secret"}
    )
    assert response.status_code == 405
    assert "write a new array instead" in message(response)


def test_what_was_written_is_not_taken_for_what_was_there(x, ask) -> None:
    etag = ask(x, "array/full/x").headers["etag"]
    assert ask(x, "array/full/x", headers={"if-none-match": etag}).status_code == 304
    x.write([[1], [1]], [7.0])
    assert ask(x, "array/full/x", headers={"if-none-match": etag}).status_code == 200


def test_a_write_may_depend_on_the_state_that_the_writer_knows(x, ask) -> None:
    etag = ask(x, "metadata/x").headers["etag"]
    body = arrow({"dim0": [0], "dim1": [0], "data": [9.0]})
    assert [put(x, "array/full/x", body, **{"if-match": etag}).status_code for _ in range(2)] == [200, 412]


def test_a_deleted_array_is_gone_with_its_files(catalog, x, tmp_path) -> None:
    x.delete(external_only=False)
    assert list(catalog) == []
    assert not list(tmp_path.rglob("*.parquet"))
