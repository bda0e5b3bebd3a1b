"""Arrays that are written: what comes back is what numpy would have, and what cannot be stored is told why."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import dask.array as da
import httpx
import numpy as np
import pytest
from tiled_sql_catalog.tree import CatalogOptions, build_catalog

from tiledkernel.client import ClientError, Context, from_context, record_history
from tiledkernel.client.connection import CannotWait
from tiledkernel.client.data_sources import DataSource
from tiledkernel.composition import Composition
from tiledkernel.families.array.client import ArrayClient
from tiledkernel.families.array.client_elements import describe_elements
from tiledkernel.families.array.describe import describe_array
from tiledkernel.server import Settings, build_app
from tiledkernel.testing.comparisons import same
from tiledkernel.utils import Conflicts

from .faces import AsynchronousFace, WaitingFace
from .scripted import message, resource

DATA = np.arange(6 * 7).reshape(6, 7)
NESTED = [("id", ">i4"), ("where", "<f8", (2, 3)), ("inner", [("a", "u1"), ("b", ">f4")])]
PADDED = np.dtype({"names": ["a", "b"], "formats": ["u1", "<f8"], "offsets": [0, 8], "itemsize": 24})
INT64 = {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None}
DESCRIBED = {"data_type": INT64, "chunks": [[3]], "shape": [3], "dims": ["x"], "resizable": False}


only_waiting = pytest.mark.parametrize("face", [WaitingFace], indirect=True)


# New nodes


@pytest.mark.parametrize(
    "data",
    [
        DATA, DATA.astype(">i2"), np.array([["a", "bé"], ["", "πππ"]]), np.array([b"ab", b""]), np.array(3.5),
        np.zeros((0, 4)), np.zeros((3, 0, 2), "M8[ns]"), np.array(["2020-01-01", "NaT"], ">M8[D]"), DATA > 20,
        np.array([1 + 2j]), np.arange(5, dtype="m8[10ms]"), np.zeros((2, 2), NESTED), np.array("word"),
        np.frombuffer(bytes(range(30)), "V10"), DATA[::2, ::-3], np.asfortranarray(DATA), np.array([np.nan, np.inf]),
        np.ones((2, 2, 2, 1, 1, 2, 2), "f2"),
    ],
    ids=lambda data: f"{data.dtype}-{data.shape}",
)  # fmt: skip
def test_an_array_comes_back_as_it_was(catalog, data):
    written = catalog.write_array(data, key="x")
    assert isinstance(written, ArrayClient)
    assert same(np.asarray(catalog["x"].read()), data)
    assert catalog["x"].dtype == data.dtype


@pytest.mark.parametrize(
    ("data", "expected"),
    [([1, 2, 3], np.array([1, 2, 3])), (5, np.array(5)), ([[1.5], [2]], np.array([[1.5], [2]])),
     ("abc", np.array("abc")), (range(4), np.arange(4)), ([True], np.array([True])), ((), np.array([])),
     (np.float32(2), np.float32(2))],
    ids=str,
)  # fmt: skip
def test_whatever_numpy_makes_an_array_of_is_stored(catalog, data, expected):
    found = catalog.write_array(data).read()
    assert same(found, np.asarray(expected))
    assert found.dtype == expected.dtype


def test_records_lose_their_padding(catalog):
    data = np.zeros(3, PADDED)
    data["b"] = [1, 2, 3]
    found = catalog.write_array(data).read()
    assert found["b"].tolist() == [1, 2, 3]
    assert found.dtype.itemsize == 9


def test_texts_of_variable_width_get_the_width_of_the_longest(catalog):
    data = np.array(["a", "longer"], np.dtypes.StringDType())
    assert catalog.write_array(data).dtype == np.dtype("<U6")


def test_it_is_described_as_was_said(catalog):
    written = catalog.write_array(DATA, dims=["y", "x"], metadata={"color": "blue"}, specs=["map"], key="x")
    assert repr(written) == "<ArrayClient shape=(6, 7) chunks=((6,), (7,)) dtype=int64 dims=('y', 'x')>"
    assert repr(catalog["x"]) == repr(written)
    assert dict(written.metadata) == {"color": "blue"}
    assert [spec.name for spec in written.specs] == ["map"]


def test_without_a_key_it_gets_a_random_one(catalog):
    assert uuid.UUID(catalog.write_array([1]).path_parts[-1])


def test_a_large_array_travels_in_several_requests_none_of_which_is_large(catalog):
    data = np.random.default_rng(0).random((1500, 2000))
    with record_history() as history:
        written = catalog.write_array(data, key="x")
    sizes = [int(request.headers["content-length"]) for request in history.requests if request.method == "PUT"]
    assert len(sizes) == len(written.chunks[0]) > 1
    assert sum(sizes) == data.nbytes
    assert max(sizes) <= 8 << 20
    assert same(written.read(), data)


def test_a_small_array_takes_two_requests(catalog):
    with record_history() as history:
        catalog.write_array(DATA)
    assert [request.method for request in history.requests] == ["POST", "PUT"]


def test_nothing_is_sent_for_an_array_without_elements(catalog):
    with record_history() as history:
        catalog.write_array(np.zeros((0, 3)))
    assert [request.method for request in history.requests] == ["POST"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.array([object()]), "elements of type object"), (np.array([1, None], object), "elements of type object"),
        ([{"a": 1}], "elements of type object"), (np.zeros(2, [("a", object)]), "cannot be stored"),
        (np.ma.array([1, 2], mask=[0, 1]), "mask"), ([[1], [2, 3]], "inhomogeneous"),
    ],
    ids=["object", "mixed", "dictionary", "record", "mask", "ragged"],
)  # fmt: skip
def test_what_cannot_be_stored_is_refused_before_anything_is_made(catalog, data, said):
    with record_history() as history, pytest.raises(ValueError, match=said):
        catalog.write_array(data)
    assert not history.requests


@pytest.mark.parametrize("dims", [["x"], ["x", "y", "z"]])
def test_names_must_be_those_of_the_axes(catalog, dims):
    with pytest.raises(ValueError, match="one name per dimension"):
        catalog.write_array(DATA, dims=dims)


def test_names_are_no_single_text(catalog):
    with pytest.raises(TypeError, match="expected \\['xy'\\]"):
        catalog.write_array(DATA, dims="xy")


# Arrays of dask


@only_waiting
@pytest.mark.parametrize("chunks", [(2, 3), ((1, 5), (3, 3, 1)), (6, 7)], ids=str)
def test_the_chunks_of_dask_are_kept(catalog, chunks):
    array = da.from_array(DATA, chunks=chunks)
    written = catalog.write_array(array, key="x")
    assert catalog["x"].chunks == array.chunks
    assert same(written.read(), DATA)


@pytest.mark.parametrize(
    ("chunks", "divided"),
    [
        ((128, 1024, 1024), ((8,) * 16, (1024,), (1024,))),
        ((100, 1024, 1024), ((10,) * 12 + (8,), (1024,), (1024,))),
        ((3, 1024, 1024), ((3,) * 42 + (2,), (1024,), (1024,))),
    ],
)
def test_chunks_of_dask_that_are_too_large_for_one_request_are_divided(chunks, divided):
    array = da.zeros((128, 1024, 1024), chunks=chunks)
    assert describe_elements(array, None).chunks == divided


@only_waiting
def test_each_chunk_of_dask_is_computed_once_and_sent_by_itself(catalog):
    computed = []

    def expensive(block: Any) -> Any:
        if block.size:
            computed.append(block.shape)
        return block

    array = da.from_array(DATA, chunks=(2, 7)).map_blocks(expensive, dtype=int, meta=np.empty((0, 0), int))
    with record_history() as history:
        written = catalog.write_array(array + array.mean(), key="x")
    assert len(computed) == 3
    assert [request.method for request in history.requests] == ["POST", "PUT", "PUT", "PUT"]
    assert same(written.read(), DATA + DATA.mean())


@only_waiting
@pytest.mark.parametrize(
    "array", [da.from_array(np.array(3.5)), da.zeros((0, 3)), da.ones(5)[da.ones(5) < 0].compute_chunk_sizes()]
)
def test_arrays_of_dask_without_axes_and_without_elements(catalog, array):
    assert same(catalog.write_array(array).read(), array.compute())


@only_waiting
def test_the_chunks_of_dask_must_be_known(catalog):
    array = da.arange(5)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        catalog.write_array(array[array > 2])


@only_waiting
def test_an_array_is_written_over_with_one_of_dask_of_other_chunks(catalog):
    written = catalog.write_array(da.from_array(DATA, chunks=(2, 3)), key="x")
    written.write(da.from_array(DATA * 2, chunks=(3, 7)))
    assert same(written.read(), DATA * 2)
    with pytest.raises(ValueError, match="do not fit"):
        written.write(da.zeros((2, 2), dtype=int))


@only_waiting
def test_objects_of_dask_are_refused_too(catalog):
    objects = da.from_array(np.array([None], object), chunks=1)
    with record_history() as history, pytest.raises(ValueError, match="elements of type object"):
        catalog.write_array(objects)
    assert not history.requests


@pytest.mark.parametrize("face", [AsynchronousFace], indirect=True)
def test_an_asynchronous_client_says_how_to_store_an_array_of_dask(catalog):
    with record_history() as history, pytest.raises(CannotWait, match="to_thread"):
        catalog.write_array(da.ones(3))
    assert not history.requests


# Arrays that are there


@pytest.fixture
def array(catalog) -> Any:
    """An array of six chunks."""
    structure = describe_array(DATA.shape, DATA.dtype, (4, 3))
    made = catalog.new("array", [DataSource(structure_family="array", structure=structure)], key="x")
    made.write(DATA)
    return made


def test_an_array_is_written_over(array, catalog):
    array.write(DATA * 2)
    assert same(catalog["x"].read(), DATA * 2)


def test_a_block_is_written_over(array):
    array.write_block(np.full((2, 3), -1), (1, 1))
    expected = DATA.copy()
    expected[4:, 3:6] = -1
    assert same(array.read(), expected)


@pytest.mark.parametrize("index", [np.s_[1], np.s_[::-1], np.s_[..., ::2], np.s_[1:3, 0], np.s_[-1, -1], ...], ids=str)
def test_so_is_a_slice_of_a_block(array, index):
    data = np.arange(100, 112).reshape(4, 3)[index]
    array.write_block(data, (0, 1), slice=index)
    expected = DATA.copy()
    expected[:4, 3:6][index] = data
    assert same(array.read(), expected)


def test_lists_will_do(array):
    array.write_block([[1, 2, 3]] * 2, (1, 0))
    array.patch([[7]], offset=(0, 6))
    array.write(DATA.tolist())
    assert same(array.read(), DATA)


@pytest.mark.parametrize("offset", [2, (2,), (2, 3), (np.int64(2), 0), [0, 5]], ids=str)
def test_elements_are_written_from_an_offset_on(array, offset):
    array.patch(np.full((3, 2), -1), offset)
    start = (*np.atleast_1d(offset), 0)[:2]
    expected = DATA.copy()
    expected[start[0] : start[0] + 3, start[1] : start[1] + 2] = -1
    assert same(array.read(), expected)


def test_an_array_grows_and_its_client_knows(catalog):
    array = catalog.write_array([1, 2, 3], key="x", dims=["t"])
    with record_history() as history:
        array.patch(np.array([4, 5, 6]), offset=3, extend=True)
        assert array.shape == (6,)
    assert len(history.requests) == 1
    assert repr(array) == "<ArrayClient shape=(6,) chunks=((3, 3)) dtype=int64 dims=('t',)>"
    assert array.chunks == ((3, 3),)
    assert array.item["attributes"]["structure"]["shape"] == [6]
    assert array.read().tolist() == catalog["x"].read().tolist() == [1, 2, 3, 4, 5, 6]


def test_what_reaches_beyond_is_a_conflict_in_words_of_python(array):
    with pytest.raises(Conflicts, match="Pass keyword argument extend=true to") as caught:
        array.patch(np.zeros((1, 7), int), offset=6)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value.__cause__, ClientError)
    assert array.shape == (6, 7)


@pytest.mark.parametrize("offset", [-1, (0, -1), 1.5, "1", None, (0, 1.5)])
def test_what_can_be_no_offset_is_refused_without_a_request(array, offset):
    with record_history() as history, pytest.raises((TypeError, ValueError), match=r"offset=.*: "):
        array.patch([[1]], offset)
    assert not history.requests


def test_an_array_does_not_grow_by_what_is_not_kept(array):
    with pytest.raises(ValueError, match="persist"):
        array.patch(np.zeros((1, 7), int), offset=6, extend=True, persist=False)


def test_what_is_not_kept_changes_nothing(array):
    array.write(DATA * 2, persist=False)
    array.write_block(np.zeros((4, 3), int), (0, 0), persist=False)
    array.patch(np.zeros((2, 2), int), offset=0, persist=False)
    assert same(array.read(), DATA)


@pytest.mark.parametrize("data", [DATA.astype(float), DATA.astype("i4"), DATA.astype("U3"), [[1.5]], [["a"]], DATA > 1])
def test_elements_of_another_type_are_refused_without_a_request(array, data):
    writes = [lambda: array.write(data), lambda: array.patch(data, 0), lambda: array.write_block(data, (0, 0))]
    for write in writes:
        with record_history() as history, pytest.raises(ValueError, match="do not fit an array of type int64"):
            write()
        assert not history.requests


def test_another_order_of_bytes_is_no_other_type(array):
    array.write(DATA.astype(">i8") * 2)
    assert same(array.read(), DATA * 2)


def test_untyped_numbers_become_what_the_array_holds(catalog):
    array = catalog.write_array(np.zeros(3, "u1"))
    array.write([1, 2, 255])
    with pytest.raises(ValueError, match="uint8"):
        array.write([1, 2, 256])
    assert array.read().tolist() == [1, 2, 255]


def test_a_wrong_size_is_refused_by_the_server_once_and_with_a_sentence(array):
    for data in (np.zeros((6, 8), int), np.zeros(3, int)):
        with record_history() as history, pytest.raises(ClientError, match=r"422.*expected.*\(6, 7\)") as caught:
            array.write(data)
        assert len(history.requests) == 1
        assert str(data.shape) in "".join(caught.value.__notes__)
    assert same(array.read(), DATA)


def test_the_same_number_of_elements_in_another_shape_is_refused_here(array):
    with pytest.raises(ValueError, match="reshape"):
        array.write(DATA.T)
    with pytest.raises(ValueError, match="reshape"):
        array.write_block(np.zeros((3, 4), int), (0, 0))


@pytest.mark.parametrize("block", [(2, 0), (0,), (-1, 0), (0, 0, 0)])
def test_a_block_that_is_not_there_is_an_index_error(array, block):
    with pytest.raises(IndexError, match="no block"):
        array.write_block(np.zeros((4, 3), int), block)


def test_what_is_no_array_is_told_by_the_server(client_of):
    fixed = client_of({"x": np.zeros(3)})["x"]
    with pytest.raises(ClientError, match=r"cannot be written|write:data"):
        fixed.write(np.ones(3))


# Requests


@pytest.mark.parametrize("write", ["write", "write_block", "patch"])
def test_a_write_whose_answer_was_lost_is_made_again(scripted_client, impatient, write):
    item = resource("x", "array", structure=DESCRIBED)
    answer = message(DESCRIBED if write == "patch" else None)
    client, app = scripted_client(item, httpx.ReadTimeout("no answer"), answer)
    arguments = {"write": (), "write_block": ((0,),), "patch": (0,)}[write]
    getattr(client, write)(np.arange(3), *arguments)
    assert len({request.body for request in app.received}) == 1
    assert [len(request.body) for request in app.received] == [24, 24]


def test_a_write_says_what_it_is(scripted_client):
    client, app = scripted_client(resource("x", "array", structure=DESCRIBED), message(DESCRIBED))
    client.write(np.arange(3))
    client.write_block(np.arange(3), 0)
    client.write_block(np.arange(2), 0, slice=np.s_[1:], persist=False)
    client.patch([4], offset=2, extend=True)
    assert [(request.method, request.path) for request in app.received] == [
        ("PUT", "/api/v1/array/full/x"),
        ("PUT", "/api/v1/array/block/x?block=0"),
        ("PUT", "/api/v1/array/block/x?block=0&slice=1%3A3&persist=false"),
        ("PATCH", "/api/v1/array/full/x?offset=2&shape=1&extend=true"),
    ]
    assert {request.headers["content-type"] for request in app.received} == {"application/octet-stream"}
    assert app.received[0].body == np.arange(3).tobytes()


def test_arrays_are_found_again_after_a_restart(tmp_path: Path, installation: Any) -> None:
    options = CatalogOptions(
        uri=str(tmp_path / "catalog.db"), writable_storage=[str(tmp_path / "data")], init_if_not_exists=True
    )
    records = np.zeros((2, 2), NESTED)
    records["id"] = [[1, 2], [3, 4]]

    def visit(act: Any) -> None:
        composition = Composition(installation)
        tree = build_catalog(options, composition)
        with Context.from_app(
            build_app(tree, settings=Settings(single_user_api_key="k"), composition=composition)
        ) as it:
            act(from_context(it))
        tree.close()

    def write(client: Any) -> None:
        client.write_array(records, key="records")
        client.write_array(DATA, key="grown").patch(DATA, offset=6, extend=True)

    def read(client: Any) -> None:
        assert same(client["records"].read(), records)
        assert same(client["grown"].read(), np.concatenate([DATA, DATA]))
        client["grown"].patch(DATA, offset=12, extend=True)
        assert client["grown"].chunks == ((6, 6, 6), (7,))

    visit(write)
    visit(read)
