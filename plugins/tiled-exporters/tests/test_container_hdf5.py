"""Containers as HDF5 files, looked at with h5py."""

from __future__ import annotations

import io
import json
import tempfile

import awkward
import h5py
import numpy as np
import pandas as pd
import pytest
import ragged
import sparse
import xarray

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.bytes.structure import BytesStructure
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.table.memory import MemoryTable

LEFT_OUT = "tiledkernel_left_out"
FRAME = pd.DataFrame({"n": [1, 2, 3], "x": [0.5, np.nan, 2.5], "text": ["a", "é", "c"]})
TREE = {
    "image": MemoryArray(np.arange(6.0).reshape(2, 3), metadata={"unit": "mm"}, dims=("y", "x")),
    "deeper": MemoryContainer({"down": {"count": MemoryArray(3)}}, metadata={"level": 1}),
    "table": MemoryTable(FRAME, npartitions=2, metadata={"kind": "run"}),
}


def opened(body):
    return h5py.File(io.BytesIO(body), "r")


class Failing(MemoryArray):
    """Fails after the first piece."""

    def read(self, cut):
        if cut.index[0].start:
            raise OSError("a bad sector")
        return super().read(cut)


class Opaque:
    """Bytes that no exporter knows."""

    family, metadata, specs, structure = "bytes", {}, (), BytesStructure()


def test_a_container_is_groups_and_datasets_with_metadata_as_attributes(serve):
    response = serve(MemoryContainer(TREE, metadata={"title": "T"})).get("container/full/")
    assert response.headers["content-type"] == "application/x-hdf5"
    file = opened(response.content)
    assert list(file) == ["image", "deeper", "table"]
    assert dict(file.attrs) == {"title": "T"}
    assert np.array_equal(file["image"], np.arange(6.0).reshape(2, 3))
    assert file["image"].attrs["unit"] == "mm"
    assert [dim.label for dim in file["image"].dims] == ["y", "x"]
    assert file["deeper"].attrs["level"] == 1
    assert file["deeper/down/count"][()] == 3


def test_a_table_is_a_group_of_its_columns(serve):
    table = opened(serve(TREE).body("container/full/?format=h5"))["table"]
    assert list(table) == ["n", "x", "text"]
    assert table.attrs["kind"] == "run"
    assert table["n"][:].tolist() == [1, 2, 3]
    assert np.array_equal(table["x"][:], FRAME.x, equal_nan=True)
    assert table["text"].asstr()[:].tolist() == ["a", "é", "c"]


@pytest.mark.parametrize("name", ["h5", "hdf5", "application/x-hdf5"])
def test_only_the_chosen_children_leave(serve, name):
    body = serve(TREE).body(f"container/full/?format={name}&field=table&field=image&field=table")
    assert list(opened(body)) == ["table", "image"]


def test_a_child_that_there_is_not_is_400(serve):
    response = serve(TREE).get("container/full/?format=h5&field=nope")
    assert response.status_code == 400
    assert "no child 'nope'" in response.json()["detail"]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 3)])
def test_elements_keep_their_type(serve, shape):
    dtypes = ["?", "u1", "<i4", ">i8", "f2", ">f8", "longdouble", "c8", ">c16", "S3", "V3"]
    arrays = {
        dtype: np.ones(shape, np.int64).astype("S3" if dtype == "V3" else dtype).astype(dtype) for dtype in dtypes
    }
    file = opened(serve(arrays).body("container/full/?format=h5"))
    for dtype, array in arrays.items():
        assert file[dtype].shape == shape
        assert file[dtype].dtype == array.dtype
        assert np.array_equal(file[dtype][()], array)


def test_texts_are_utf8(serve):
    arrays = {"a": np.array(["a", "日本"]), "b": np.array("x"), "c": np.zeros((2, 0), "U3"), "d": np.zeros(2, "U0")}
    file = opened(serve(arrays).body("container/full/?format=h5"))
    for key, array in arrays.items():
        assert h5py.check_string_dtype(file[key].dtype).encoding == "utf-8"
        assert np.array_equal(file[key].asstr()[()], array)


def test_times_are_integers_with_a_unit(serve):
    times = np.array(["2026-01-02", "NaT"], "M8[ms]")
    file = opened(
        serve({"a": times, "b": np.array([3], "m8[s]"), "c": np.array([3], "M8[10s]")}).body("container/full/")
    )
    assert dict(file["a"].attrs) == {"numpy_dtype": "datetime64[ms]", "units": "milliseconds since 1970-01-01"}
    assert np.array_equal(file["a"][:].view("M8[ms]"), times, equal_nan=True)
    assert dict(file["b"].attrs) == {"numpy_dtype": "timedelta64[s]", "units": "seconds"}
    assert dict(file["c"].attrs) == {"numpy_dtype": "datetime64[10s]"}


def test_records_are_compounds(serve):
    pets = np.array(
        [("Rex", 9, "2026-01-02", [1, 2])], [("name", "U10"), ("age", "<i4"), ("day", "M8[D]"), ("v", "f4", 2)]
    )
    found = opened(serve({"pets": pets}).body("container/full/?format=h5"))["pets"]
    name, age, day, values = found[0]
    assert (name.decode(), age, values.tolist()) == ("Rex", 9, [1.0, 2.0])
    assert np.datetime64(int(day), "D") == pets["day"][0]


def test_sparse_awkward_and_ragged_children_are_groups_that_their_libraries_take(serve):
    matrix = sparse.COO([[0, 1], [2, 0]], [1.5, 2.5], shape=(2, 3))
    lists = awkward.Array([[{"x": 1}], [], [{"x": 2}, {"x": 3}]])
    file = opened(serve({"s": matrix, "a": lists, "r": ragged.array([[1, 2], [3]])}).body("container/full/"))
    found = sparse.COO(file["s/coords"][:], file["s/data"][:], shape=tuple(file["s"].attrs["shape"]))
    assert np.array_equal(found.todense(), matrix.todense())
    for key, expected in (("a", lists.to_list()), ("r", [[1, 2], [3]])):
        form = awkward.forms.from_json(file[key].attrs["form"])
        buffers = {name: dataset[:] for name, dataset in file[key].items()}
        assert awkward.from_buffers(form, file[key].attrs["length"], buffers).to_list() == expected


def test_a_dataset_within_keeps_its_attributes(serve):
    weather = xarray.Dataset({"t": ("x", [1.0, 2.0], {"units": "K"})}, coords={"x": [1, 2]}, attrs={"title": "T"})
    file = opened(serve({"weather": weather}).body("container/full/?format=h5"))
    assert dict(file["weather"].attrs) == {"title": "T"}
    assert file["weather/t"].attrs["units"] == "K"


# What cannot leave


def test_what_cannot_be_read_is_left_out_with_a_note_and_the_rest_leaves(serve):
    failing = Failing(np.zeros((8, 1024, 1024)), chunks=(1, 1024, 1024))
    tree = {"good": [1, 2], "bad": failing, "in": {"opaque": Opaque(), "fine": 1}, "set": {1, 2}}
    file = opened(serve(tree).body("container/full/?format=h5"))
    assert list(file) == ["good", "in"]
    assert list(file["in"]) == ["fine"]
    told = json.loads(file.attrs[LEFT_OUT])
    assert "'bad' could not be read: Failing raised OSError" in told["bad"]
    assert "no family adopts builtins.set" in told["set"]
    assert json.loads(file["in"].attrs[LEFT_OUT]) == {
        "opaque": "HDF5 has no place for nodes of family 'bytes': download its file"
    }


def test_metadata_that_cannot_be_had_cost_only_their_node(serve):
    class Broken(MemoryContainer):
        @property
        def metadata(self):
            raise OSError("gone")

        @metadata.setter
        def metadata(self, value):
            pass

    file = opened(serve({"a": 1, "b": Broken({"c": 1})}).body("container/full/?format=h5"))
    assert list(file) == ["a"]
    assert "Broken raised OSError" in json.loads(file.attrs[LEFT_OUT])["b"]


def test_a_listing_that_breaks_off_leaves_what_came_before(serve):
    class Ending(MemoryContainer):
        def __iter__(self):
            yield "first"
            raise OSError("gone")

    file = opened(serve({"a": Ending({"first": 1, "second": 2})}).body("container/full/?format=h5"))
    assert list(file["a"]) == ["first"]
    assert "raised OSError" in json.loads(file.attrs[LEFT_OUT])["a"]


def test_if_nothing_can_leave_the_answer_says_why(serve):
    response = serve({"a": Opaque()}).get("container/full/?format=h5")
    assert response.status_code == 406
    assert "'a': HDF5 has no place for nodes of family 'bytes'" in response.json()["detail"]


def test_an_empty_container_is_an_empty_file(serve):
    assert list(opened(serve({}).body("container/full/?format=h5"))) == []


def test_too_many_dimensions_are_left_out(serve):
    file = opened(serve({"a": np.zeros((1,) * 40), "b": 1}).body("container/full/?format=h5"))
    assert list(file) == ["b"]
    assert "32 dimensions" in file.attrs[LEFT_OUT]


# Bounds


def test_a_container_that_is_too_large_is_refused_before_anything_is_read(serve):
    class Unread(MemoryArray):
        def read(self, cut):
            pytest.fail("it was read")

    tree = {"a": Unread(np.zeros(60)), "b": {"c": Unread(np.zeros(60))}}
    response = serve(tree, response_bytesize_limit=900).get("container/full/?format=h5")
    assert response.status_code == 400
    assert "more than the 900 bytes" in response.json()["detail"]
    assert "'field'" in response.json()["detail"]


def test_tables_count_when_they_are_read(serve):
    caller = serve(
        {"t": MemoryTable({"x": np.zeros(100)}), "u": MemoryTable({"x": np.zeros(100)})}, response_bytesize_limit=1000
    )
    assert caller.get("container/full/?format=h5&field=t").status_code == 200
    assert caller.get("container/full/?format=h5").status_code == 400


def test_a_tree_that_is_too_deep_is_refused(serve):
    tree: dict = {"a": 1}
    tree["self"] = tree
    response = serve(tree).get("container/full/?format=h5")
    assert response.status_code == 406
    assert "levels deep" in response.json()["detail"]


def test_a_tree_of_too_many_nodes_is_refused(serve, monkeypatch):
    monkeypatch.setattr("tiled_exporters.hdf5.MAX_NODES", 10)
    response = serve({str(key): 1 for key in range(11)}).get("container/full/?format=h5")
    assert response.status_code == 406
    assert "more than 10 nodes" in response.json()["detail"]


def test_an_array_is_written_piece_by_piece(serve):
    class Watched(MemoryArray):
        most = 0

        def read(self, cut):
            self.most = max(self.most, cut.size * 8)
            return super().read(cut)

    node = Watched(np.arange(8 << 20, dtype="f8").reshape(64, 1 << 17), chunks=(1, 1 << 17))
    found = opened(serve({"a": node}).body("container/full/?format=h5"))["a"]
    assert np.array_equal(found[-1], node.array[-1])
    assert node.most <= 8 << 20


def test_no_file_stays_behind(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    caller = serve({"a": np.zeros(1 << 20), "b": Opaque()})
    caller.body("container/full/?format=h5")
    assert caller.get("container/full/?format=h5&field=b").status_code == 406
    assert not list(tmp_path.iterdir())


def test_the_same_content_has_the_same_etag(serve):
    caller = serve(TREE)
    first = caller.get("container/full/?format=h5")
    again = caller.get("container/full/?format=h5", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


# Names


@pytest.mark.parametrize(
    ("query", "header"),
    [
        ("container/full/deeper?format=h5", 'inline; filename="deeper.h5"'),
        ("container/full/?format=h5", 'inline; filename="data.h5"'),
        ("array/full/image?format=tiff", 'inline; filename="image.tif"'),
        ("array/full/image?format=png", 'inline; filename="image.png"'),
        ("array/full/image?format=html", 'inline; filename="image.html"'),
        ("array/full/image?format=csv", 'inline; filename="image.csv"'),
        ("array/full/image?format=txt", 'inline; filename="image.txt"'),
        ("array/full/image?format=tiff&filename=my.tiff", 'attachment; filename="my.tiff"'),
        ("array/full/image", None),
    ],
)
def test_a_file_has_a_name(serve, query, header):
    assert serve(TREE).get(query).headers.get("content-disposition") == header
