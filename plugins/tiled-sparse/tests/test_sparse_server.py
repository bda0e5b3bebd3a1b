"""Sparse arrays over HTTP: described as sparse, read below the paths of arrays."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pyarrow as pa
import pytest
import sparse
from tiled_sparse.memory import MemorySparse

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.slices import format_slice
from tiledkernel.testing.comparisons import basic_indices

DENSE = np.where((numbers := np.random.default_rng(0).random((20, 9, 7))) < 0.8, 0.0, numbers)
COO = sparse.COO.from_numpy(DENSE)
SMALL = sparse.COO(np.array([[0, 1, 1], [2, 0, 2]]), np.array([1.5, 2.5, 3.5]), shape=(2, 3))


def dense_of(table: pa.Table, shape: tuple[int, ...]) -> np.ndarray:
    coords = [table.column(f"dim{axis}").to_numpy() for axis in range(len(shape))]
    placed = np.array(coords, int).reshape(len(shape), table.num_rows)
    return sparse.COO(placed, table.column("data").to_numpy(), shape=shape).todense()


def arrow(response) -> pa.Table:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/vnd.apache.arrow.file"
    return pa.ipc.open_file(io.BytesIO(response.content)).read_all()


def test_a_sparse_array_is_described_as_the_protocol_has_it(serve, ask):
    found = ask(serve({"x": SMALL}), "metadata/x").json()["data"]
    assert found["attributes"]["structure_family"] == "sparse"
    assert found["attributes"]["structure"] == {
        "shape": [2, 3],
        "chunks": [[2], [3]],
        "data_type": {"endianness": "little", "kind": "f", "itemsize": 8, "dt_units": None},
        "coord_data_type": {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None},
        "dims": None,
        "resizable": False,
        "layout": "COO",
    }
    base = "http://local-tiled-app/api/v1"
    assert found["links"] == {
        "self": f"{base}/metadata/x",
        "full": f"{base}/array/full/x",
        "block": f"{base}/array/block/x?block={{0}},{{1}}",
    }


def test_without_a_wish_coordinates_and_values_leave_as_an_arrow_file(serve, ask):
    table = arrow(ask(serve({"x": SMALL}), "array/full/x"))
    assert table.to_pydict() == {"dim0": [0, 1, 1], "dim1": [2, 0, 2], "data": [1.5, 2.5, 3.5]}


@pytest.mark.parametrize("index", list(basic_indices(DENSE.shape, 40)), ids=format_slice)
def test_any_slice_has_the_elements_that_numpy_gives(serve, ask, index):
    expected = np.asarray(DENSE[index])
    table = arrow(ask(serve({"x": COO}), f"array/full/x?slice={format_slice(index)}"))
    assert np.array_equal(dense_of(table, expected.shape), expected)
    coords = list(zip(*(table.column(f"dim{axis}").to_pylist() for axis in range(expected.ndim)), strict=True))
    assert coords == sorted(coords)


def test_a_single_element_is_one_row_or_none(serve, ask):
    client = serve({"x": SMALL})
    assert ask(client, "array/full/x?slice=0,2&format=json").json() == {"data": [1.5]}
    assert ask(client, "array/full/x?slice=0,0&format=json").json() == {"data": []}


def test_coordinates_of_a_block_are_those_within_it(serve, ask):
    client = serve({"x": MemorySparse(COO.coords, COO.data, COO.shape, chunks=(8, 5, 7))})
    table = arrow(ask(client, "array/block/x?block=2,1,0"))
    assert np.array_equal(dense_of(table, (4, 4, 7)), DENSE[16:20, 5:9])
    table = arrow(ask(client, "array/block/x?block=2,1,0&slice=::-2,1:3"))
    assert np.array_equal(dense_of(table, (2, 2, 7)), DENSE[16:20, 5:9][::-2, 1:3])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("array/full/x?slice=9", 400),
        ("array/full/x?slice=0,0,0", 400),
        ("array/full/x?slice=a", 422),
        ("array/full/x?expected_shape=9,9", 422),
        ("array/full/x?slce=0", 422),
        ("array/block/x?block=1,0", 422),
        ("array/block/x?block=0", 422),
        ("array/block/x", 422),
        ("array/full/x?format=image/png", 406),
        ("table/full/x", 404),
    ],
)
def test_what_cannot_be_meant_is_refused(serve, ask, path, status):
    assert ask(serve({"x": SMALL}), path).status_code == status


def test_dense_arrays_are_read_below_the_same_path(serve, ask):
    client = serve({"sparse": SMALL, "dense": MemoryArray([1.0, 2.0])})
    assert ask(client, "array/full/dense?format=json").json() == [1.0, 2.0]
    assert ask(client, "array/full/sparse?format=json&slice=0").json() == {"dim0": [2], "data": [1.5]}


def test_text_has_one_line_per_element(serve, ask):
    response = ask(serve({"x": SMALL}), "array/full/x?format=csv&slice=:,::-1")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.text == "dim0,dim1,data\n0,0,1.5\n1,0,3.5\n1,2,2.5\n"


def test_hdf5_has_one_dataset_of_coordinates(serve, ask):
    response = ask(serve({"x": SMALL}), "array/full/x?format=h5")
    with h5py.File(io.BytesIO(response.content)) as file:
        assert file["coords"][()].tolist() == [[0, 1, 1], [2, 0, 2]]
        assert file["data"][()].tolist() == [1.5, 2.5, 3.5]
        assert file.attrs["shape"].tolist() == [2, 3]


def test_whatever_tables_leave_as_is_offered(serve):
    client = serve({"x": SMALL})
    formats = client.context.server_info.formats
    assert set(formats["sparse"]) == {*formats["table"], "application/x-hdf5"}


@pytest.mark.parametrize("kind", [sparse.GCXS, sparse.DOK])
def test_all_layouts_are_served(serve, ask, kind):
    table = arrow(ask(serve({"x": kind(SMALL)}), "array/full/x"))
    assert np.array_equal(dense_of(table, (2, 3)), SMALL.todense())


@pytest.mark.parametrize("dtype", ["?", "u1", ">i4", "f4", "M8[ns]"])
def test_elements_keep_their_type(serve, ask, dtype):
    values = np.array([1, 2]).astype(dtype)
    client = serve({"x": MemorySparse([[0, 5]], values, (6,))})
    assert arrow(ask(client, "array/full/x")).column("data").to_numpy().tolist() == values.tolist()
    assert client["x"].dtype == values.dtype


def test_elements_that_no_table_holds_are_not_acceptable_as_one(serve, ask):
    response = ask(serve({"x": MemorySparse([[0]], [1j], (6,))}), "array/full/x")
    assert response.status_code == 406
    assert "complex128" in response.json()["detail"]


def test_elements_may_come_in_any_order(serve, ask):
    table = arrow(ask(serve({"x": MemorySparse([[5, 1, 3]], [50, 10, 30], (6,))}), "array/full/x?slice=1:4"))
    assert table.to_pydict() == {"dim0": [0, 2], "data": [10, 30]}


def test_an_element_outside_is_an_error_at_once():
    with pytest.raises(ValueError, match="axis 0 lie outside the shape"):
        MemorySparse([[6]], [1], (6,))


def test_an_array_filled_with_something_else_is_unavailable_with_the_reason(serve, ask):
    client = serve({"bad": sparse.COO([[0]], [1.0], shape=(3,), fill_value=2.0), "good": SMALL})
    assert "fill value" in ask(client, "metadata/bad").json()["detail"]
    assert [type(child).__name__ for child in client.values()] == ["BytesClient", "SparseClient"]


def test_too_large_an_answer_is_refused_with_a_way_out(serve, ask):
    client = serve({"x": COO}, response_bytesize_limit=2000)
    response = ask(client, "array/full/x")
    assert response.status_code == 400
    assert "2_000 bytes" in response.json()["detail"]
    assert ask(client, "array/full/x?slice=0").status_code == 200


def test_what_has_not_changed_is_not_sent_again(serve, ask):
    client = serve({"x": SMALL})
    etag = ask(client, "array/full/x").headers["etag"]
    assert ask(client, "array/full/x", headers={"if-none-match": etag}).status_code == 304
    assert ask(client, "array/full/x?slice=0").headers["etag"] != etag


def test_what_may_change_unseen_is_sent_again_when_it_has(serve, ask):
    growing = sparse.DOK((3,))
    client = serve({"x": growing})
    etag = ask(client, "array/full/x").headers["etag"]
    growing[1] = 7.0
    assert ask(client, "array/full/x", headers={"if-none-match": etag}).status_code == 200
    assert ask(client, "array/full/x?format=json").json() == {"dim0": [1], "data": [7.0]}


def test_a_node_that_fails_is_named(serve, ask):
    class Failing(MemorySparse):
        def read(self, cut):
            raise OSError("the disk is gone")

    response = ask(serve({"x": Failing([[0]], [1], (6,))}), "array/full/x")
    assert response.status_code == 500
    assert response.json()["detail"] == "'x' could not be read: Failing raised OSError"
