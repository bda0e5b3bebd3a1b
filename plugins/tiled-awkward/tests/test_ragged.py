"""Ragged arrays: slices over HTTP where they fit, and a client that selects the rest itself."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import awkward as ak
import numpy as np
import pytest
import ragged
from tiled_awkward.archives import write_archive
from tiled_awkward.buffers import take_apart
from tiled_awkward.ragged.client_arrays import decode_lists
from tiled_awkward.ragged.memory import MemoryRagged

from tiledkernel.client import record_history
from tiledkernel.client.messages import UnexpectedAnswer

LISTS = [[[1.1, 2.2, 3.3], []], [[4.4]], [], [[5.5, 6.6, 7.7, 8.8], [9.9]]]


def test_a_ragged_array_is_described_as_the_protocol_has_it(serve, ask):
    found = ask(serve({"r": ragged.array(LISTS)}), "metadata/r").json()["data"]
    assert found["attributes"]["structure_family"] == "ragged"
    assert found["attributes"]["structure"] == {
        "data_type": {"endianness": "little", "kind": "f", "itemsize": 8, "dt_units": None},
        "shape": [4, None, None],
        "size": 9,
        "chunks": [[4], None, None],
        "dims": None,
        "resizable": False,
    }
    base = "http://local-tiled-app/api/v1"
    assert found["links"] == {
        "self": f"{base}/metadata/r",
        "full": f"{base}/ragged/full/r",
        "block": f"{base}/ragged/block/r?block={{0}}",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", LISTS),
        ("0", LISTS[0]),
        ("-1", LISTS[-1]),
        (":2", LISTS[:2]),
        ("::-1", LISTS[::-1]),
        ("0,1", []),
        ("0,0,1", 2.2),
        (":,:1", [row[:1] for row in LISTS]),
        (":,:,::2", [[part[::2] for part in row] for row in LISTS]),
        ("2:2", []),
    ],
)
def test_without_a_wish_the_selected_lists_leave_as_json(serve, ask, text, expected):
    response = ask(serve({"r": ragged.array(LISTS)}), f"ragged/full/r?slice={text}")
    assert response.headers["content-type"] == "application/json"
    assert response.json() == expected


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("ragged/full/r?slice=4", 422),
        ("ragged/full/r?slice=:,0", 422),
        ("ragged/full/r?slice=0,0,0,0", 422),
        ("ragged/full/r?slice=x", 422),
        ("ragged/full/r?slice=0,0,0&format=zip", 406),
        ("ragged/full/r?slice=0,0,0&format=arrow", 406),
        ("ragged/full/r?slice=0,0,0&format=parquet", 406),
        ("ragged/full/r?format=csv", 406),
        ("ragged/block/r?block=0", 405),
        ("awkward/full/r", 404),
    ],
)
def test_what_cannot_be_meant_is_refused(serve, ask, path, status):
    assert ask(serve({"r": ragged.array(LISTS)}), path).status_code == status


def test_a_slice_that_does_not_fit_says_what_to_do(serve, ask):
    (problem,) = ask(serve({"r": ragged.array(LISTS)}), "ragged/full/r?slice=:,0").json()["detail"]
    assert "slice ':,0' does not fit all lists" in problem["msg"]
    assert "read the whole array" in problem["msg"]


def test_an_archive_says_how_its_buffers_belong_together(serve, ask):
    response = ask(serve({"r": ragged.array(LISTS)}), "ragged/full/r?slice=1:&format=zip")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found.pop("length") == (3).to_bytes(8, "big")
    form = json.loads(json.loads(found.pop("form")))
    assert ak.from_buffers(ak.forms.from_dict(form), 3, found).to_list() == LISTS[1:]


def test_too_large_an_answer_is_refused_with_a_way_out(serve, ask):
    client = serve({"r": ragged.array([[1.0] * 100, [2.0]])}, response_bytesize_limit=200)
    response = ask(client, "ragged/full/r")
    assert response.status_code == 400
    assert "use 'slice'" in response.json()["detail"]
    assert ask(client, "ragged/full/r?slice=1").json() == [2.0]


def test_lists_may_be_given_as_lists_with_names_of_axes(serve):
    array = serve({"r": MemoryRagged([[1, 2], [3]], dims=("event", "hit"), metadata={"m": 1})})["r"]
    assert array.dims == ("event", "hit")
    assert array.metadata == {"m": 1}
    assert repr(array) == "<RaggedClient shape=(2, None) size=3 chunks=((2,), None) dtype=int64 dims=('event', 'hit')>"


@pytest.mark.parametrize(("lists", "dims"), [(5.0, None), ([[1], []], ("only one",))])
def test_what_cannot_be_ragged_is_an_error_at_once(lists, dims):
    with pytest.raises(ValueError, match="axis"):
        MemoryRagged(lists, dims=dims)


def test_what_was_changed_in_place_has_another_etag(serve, ask):
    node = MemoryRagged([[1, 2], [3]])
    client = serve({"r": node})
    etag = ask(client, "ragged/full/r").headers["etag"]
    assert ask(client, "ragged/full/r", headers={"if-none-match": etag}).status_code == 304
    node.touch()
    assert ask(client, "ragged/full/r", headers={"if-none-match": etag}).status_code == 200


def test_a_node_that_fails_is_named(serve, ask):
    class Failing(MemoryRagged):
        def read(self, parts):
            raise OSError("the disk is gone")

    response = ask(serve({"r": Failing(LISTS)}), "ragged/full/r")
    assert response.status_code == 500
    assert response.json()["detail"] == "'r' could not be read: Failing raised OSError"


# The client


@pytest.mark.parametrize(
    "lists",
    [LISTS, [1, 2, 3], [[1, 2], [3, 4]], [[]], [], [[True], []], np.arange(6, dtype="f4").reshape(2, 3), [[1j], []]],
    ids=repr,
)
def test_every_kind_of_lists_comes_back_as_it_was(serve, lists):
    expected = ragged.array(lists)
    array = serve({"r": expected})["r"]
    found = array.read()
    assert isinstance(found, ragged.array)
    assert (found.tolist(), found.dtype, found.shape) == (expected.tolist(), expected.dtype, expected.shape)
    assert (array.shape, array.size, array.dtype) == (expected.shape, expected.size, expected.dtype)


@pytest.mark.parametrize(
    "index",
    [
        0, -1, slice(None, 2), slice(None, None, -1), (0, 1), (slice(None), slice(None, 1)), (..., slice(None, 1)),
        (0, slice(None), slice(None, 2)), (0, 0, 1), (3, 0, -1),
    ],
    ids=repr,
)  # fmt: skip
def test_an_index_that_fits_is_one_request_for_what_it_selects(serve, index):
    array = serve({"r": ragged.array(LISTS)})["r"]
    with record_history() as history:
        found = array[index]
    assert found.tolist() == ak.to_list(ak.Array(LISTS)[index])
    assert [str(request.url.params.get("slice", "")) != "" for request in history.requests] == [True]


def test_a_single_number_has_no_axes(serve):
    array = serve({"r": ragged.array(LISTS), "c": ragged.array([[1j], [2j, 3j]])})
    assert array["r"][0, 0, 1].shape == ()
    assert array["c"][1, 1].tolist() == 3j


def test_what_does_not_fit_is_selected_from_the_whole(serve, monkeypatch):
    array = serve({"r": ragged.array([[1, 2], [3, 4]])})["r"]

    def read_whole_only(self, parts):
        if parts:
            raise IndexError("a server may not know how")
        return self.array._impl

    monkeypatch.setattr(MemoryRagged, "read", read_whole_only)
    with record_history() as history:
        assert array[:, 0].tolist() == [1, 3]
    assert len(history.requests) == 2


def test_what_fits_nowhere_is_an_index_error(serve):
    array = serve({"r": ragged.array(LISTS)})["r"]
    with pytest.raises(IndexError):
        array[:, 0]


@pytest.mark.parametrize("index", [4, -5, (0, 0, 0, 0), [0, 1], None, "x"], ids=repr)
def test_what_is_no_index_here_is_an_error_before_anything_travels(serve, index):
    array = serve({"r": ragged.array(LISTS)})["r"]
    with record_history() as history, pytest.raises(IndexError):
        array[index]
    assert not history.requests


def test_it_says_what_it_is(serve):
    array = serve({"r": ragged.array(LISTS)})["r"]
    assert repr(array) == "<RaggedClient shape=(4, None, None) size=9 chunks=((4,), None, None) dtype=float64>"
    assert (array.ndim, len(array), array.chunked, array.dims) == (3, 4, False, None)


def test_slices_can_be_exported(serve, tmp_path):
    array = serve({"r": ragged.array(LISTS)})["r"]
    array.export(tmp_path / "r.json", slice=np.s_[:2, :1])
    assert json.loads((tmp_path / "r.json").read_text()) == [[[1.1, 2.2, 3.3]], [[4.4]]]
    for media_type in array.formats:
        buffer = io.BytesIO()
        array.export(buffer, format=media_type)
        assert buffer.getvalue(), media_type


def test_offsets_need_not_begin_at_zero():
    buffers = take_apart(ak.Array([[1.0], [2.0, 3.0]]))
    content = {
        "node0-offsets": np.array([1, 2, 4]),
        "node1-data": np.array([9.0, 1.0, 2.0, 3.0, 9.0]),
        "length": (2).to_bytes(8, "big"),
        "form": json.dumps(buffers.form).encode(),
    }
    assert decode_lists(bytes(write_archive(content.items())), np.dtype(float)).tolist() == [[1.0], [2.0, 3.0]]


@pytest.mark.parametrize("body", [b"no archive", bytes(write_archive([("length", b"")]))])
def test_an_answer_that_is_no_ragged_array_is_told(body):
    with pytest.raises(UnexpectedAnswer, match="no archive of a ragged array"):
        decode_lists(body, np.dtype(float))


def test_importing_the_client_loads_no_library_of_data():
    heavy = ("numpy", "awkward", "ragged", "pyarrow", "pandas")
    code = f"import sys, tiled_awkward.ragged.client; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()
