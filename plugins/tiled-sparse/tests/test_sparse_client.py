"""The client of sparse arrays: what numpy's indexing gives, as sparse.COO, for one request."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
import sparse
from tiled_sparse.client_coo import decode
from tiled_sparse.memory import MemorySparse

from tiledkernel.client import record_history
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.slices import cut_shape, format_slice
from tiledkernel.testing.comparisons import basic_indices

DENSE = np.where((numbers := np.random.default_rng(1).random((12, 9, 7))) < 0.8, 0.0, numbers)
COO = sparse.COO.from_numpy(DENSE)


@pytest.fixture
def array(serve):
    return serve({"x": MemorySparse(COO.coords, COO.data, COO.shape, chunks=(5, 9, 7), dims=("t", "y", "x"))})["x"]


@pytest.mark.parametrize("index", list(basic_indices(DENSE.shape, 40)), ids=format_slice)
def test_any_index_gives_what_numpy_gives(array, index):
    found = array[index]
    assert isinstance(found, sparse.COO)
    assert found.dtype == DENSE.dtype
    assert np.array_equal(found.todense(), DENSE[index])


def test_the_whole_array_is_one_request(array):
    with record_history() as history:
        assert np.array_equal(array.read().todense(), DENSE)
    assert [request.url.query for request in history.requests] == [b""]


def test_a_single_element_is_an_array_without_axes(array):
    place = tuple(COO.coords[:, 3])
    assert array[place].shape == ()
    assert array[place].todense() == DENSE[place]
    assert array[0, ..., 0].shape == (9,)


def test_nothing_is_asked_for_what_is_empty(array):
    with record_history() as history:
        assert array[5:2].shape == (0, 9, 7)
    assert not history.requests


@pytest.mark.parametrize("index", [12, (0, 0, 7), (0, 0, 0, 0), [1, 2], None, 1.5])
def test_what_is_no_index_here_is_an_error_before_anything_travels(array, index):
    with record_history() as history, pytest.raises(IndexError):
        array[index]
    assert not history.requests


def test_blocks_make_up_the_array(array):
    blocks = [array.read_block((number, 0, 0)).todense() for number in range(3)]
    assert np.array_equal(np.concatenate(blocks), DENSE)
    assert np.array_equal(array.read_block((2, 0, 0), np.s_[::-1, 3]).todense(), DENSE[10:12][::-1, 3])


@pytest.mark.parametrize("block", [(3, 0, 0), (-1, 0, 0), (0, 0), 7])
def test_a_block_that_does_not_exist_is_an_index_error(array, block):
    with pytest.raises(IndexError):
        array.read_block(block)


def test_it_says_what_it_is(array, serve):
    assert (array.shape, array.ndim, array.dims, array.dtype) == ((12, 9, 7), 3, ("t", "y", "x"), np.float64)
    assert array.chunks == ((5, 5, 2), (9,), (7,))
    plain = serve({"x": sparse.COO(np.eye(10)[0])})["x"]
    assert repr(plain) == "<SparseClient shape=(10,) chunks=((10,),)>"


def test_it_can_be_made_dense(array):
    assert np.array_equal(array.todense(), DENSE)


def test_each_format_that_is_listed_can_be_exported(array):
    for media_type in array.formats:
        buffer = io.BytesIO()
        array.export(buffer, format=media_type, slice=np.s_[:3])
        assert buffer.getvalue(), media_type


def test_a_slice_is_exported_in_its_direction(array, tmp_path):
    array.export(tmp_path / "x.csv", slice=np.s_[::-1, 0, 0])
    rows = np.loadtxt(tmp_path / "x.csv", delimiter=",", skiprows=1, ndmin=2)
    dense = np.zeros(12)
    dense[rows[:, 0].astype(int)] = rows[:, 1]
    assert np.array_equal(dense, DENSE[::-1, 0, 0])


def test_an_answer_that_is_no_sparse_array_is_told(array):
    sink = pa.BufferOutputStream()
    table = pa.table({"dim0": [1], "data": [2.0]})
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(UnexpectedAnswer, match=r"lacks the columns \['dim1'\]"):
        decode(sink.getvalue().to_pybytes(), cut_shape((), (3, 3)), np.dtype(float))


def test_importing_the_plugin_loads_no_library_of_data():
    heavy = ("numpy", "sparse", "numba", "pyarrow", "pandas")
    for module in ("tiled_sparse", "tiled_sparse.client_classes", "tiled_sparse.client"):
        code = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert not done.stdout.split(), module
