"""Awkward arrays: buffers over HTTP, and a client that fetches those that a selection needs."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import awkward as ak
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from tiled_awkward import archives
from tiled_awkward.awkward.memory import MemoryAwkward

from tiledkernel.client import record_history
from tiledkernel.client.messages import UnexpectedAnswer

NESTED = ak.Array([[{"x": 1.1, "y": [1]}, {"x": 2.2, "y": [1, 2]}], [], [{"x": 3.3, "y": [1, 2, 3]}]])
KINDS = {
    "nested": NESTED,
    "records": ak.Array([{"x": 1, "y": 2.0}, {"x": 3, "y": 4.0}]),
    "tuples": ak.Array([(1, 2.0), (3, 4.0)]),
    "optional": ak.Array([{"x": 1}, None]),
    "texts": ak.Array(["a", "b\u00e4", ""]),
    "mixed": ak.Array([1, "a", [2.5]]),
    "numbers": ak.Array(np.arange(12, dtype=">i2").astype("i2").reshape(3, 4)),
    "dates": ak.Array(np.array(["2020-01-01", "2021-01-01"], "M8[s]")),
    "slice": ak.Array([[1, 2, 3], [4], [5, 6]])[1:],
    "no rows": ak.Array([{"x": 1}])[:0],
    "nothing": ak.Array([]),
    "deep": ak.Array([{"p": {"q": 1, "r": [1]}, "s": "t"}]),
}


def entries(response) -> dict[str, bytes]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} <= {zipfile.ZIP_STORED}
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_awkward_array_is_described_as_the_protocol_has_it(serve, ask):
    found = ask(serve({"a": ak.Array([[{"x": 1.0}]])}), "metadata/a").json()["data"]
    assert found["attributes"]["structure_family"] == "awkward"
    number = {"class": "NumpyArray", "primitive": "float64", "inner_shape": [], "parameters": {}, "form_key": "node2"}
    record = {
        "class": "RecordArray",
        "fields": ["x"],
        "contents": [number],
        "parameters": {},
        "form_key": "node1",
    }
    assert found["attributes"]["structure"] == {
        "length": 1,
        "form": {
            "class": "ListOffsetArray",
            "offsets": "i64",
            "content": record,
            "parameters": {},
            "form_key": "node0",
        },
    }
    base = "http://local-tiled-app/api/v1"
    assert found["links"] == {
        "self": f"{base}/metadata/a",
        "buffers": f"{base}/awkward/buffers/a",
        "full": f"{base}/awkward/full/a",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_nesting_comes_back_as_it_was(serve, kind):
    found = serve({"a": KINDS[kind]})["a"].read()
    assert found.to_list() == KINDS[kind].to_list()
    assert found.type == ak.to_packed(KINDS[kind]).type


def test_what_a_slice_has_left_over_does_not_travel(serve, ask):
    long = ak.Array([list(range(1000)), [1, 2]])
    found = entries(ask(serve({"a": long[1:]}), "awkward/full/a"))
    assert {name: len(data) for name, data in found.items()} == {"node0-offsets": 16, "node1-data": 16}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["node0-offsets", "node2-data", "node3-offsets", "node4-data"]),
        ("?form_key=node0", ["node0-offsets"]),
        ("?form_key=node0&form_key=node4", ["node0-offsets", "node4-data"]),
        ("?form_key=node1", []),
        ("?form_key=node2-data", ["node2-data"]),
    ],
)
def test_form_keys_choose_buffers(serve, ask, query, names):
    assert list(entries(ask(serve({"a": NESTED}), f"awkward/buffers/a{query}"))) == names


def test_a_form_key_does_not_choose_those_that_it_begins(serve, ask):
    many = ak.Array([{str(number): number for number in range(12)}])
    assert list(entries(ask(serve({"a": many}), "awkward/buffers/a?form_key=node1"))) == ["node1-data"]


def test_form_keys_may_be_posted(serve):
    client = serve({"a": NESTED})
    http, url = client.context.http_client, f"{client.context.api_uri}awkward/buffers/a"
    assert list(entries(http.post(url, json=["node2"]))) == ["node2-data"]
    assert list(entries(http.post(url, json=[]))) == []
    assert len(entries(http.post(url))) == 4


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("awkward/buffers/a?form_key=node9", 400),
        ("awkward/buffers/a?form_key=node0&format=json", 406),
        ("awkward/full/a?format=csv", 406),
        ("awkward/full/a?slice=0", 422),
        ("array/full/a", 404),
        ("awkward/full/nowhere", 404),
    ],
)
def test_what_cannot_be_meant_is_refused(serve, ask, path, status):
    assert ask(serve({"a": NESTED}), path).status_code == status


def test_json_has_nested_lists_and_objects(serve, ask):
    client = serve({"a": NESTED, "b": ak.Array([[1.0, float("nan")], []]), "c": ak.Array([b"\xff"]), **KINDS})
    assert ask(client, "awkward/full/a?format=json").json() == NESTED.to_list()
    assert ask(client, "awkward/full/b?format=json").text == "[[1.0,null],[]]"
    assert ask(client, "awkward/full/c?format=json").json() == ["data:application/octet-stream;base64,/w=="]
    assert ask(client, "awkward/full/dates?format=json").json() == ["2020-01-01T00:00:00", "2021-01-01T00:00:00"]
    assert ask(client, "awkward/full/mixed?format=json").json() == [1, "a", [2.5]]


def test_json_of_many_rows_is_sent_while_it_is_made(serve, ask):
    rows = ak.Array([[number] for number in range(200_000)])
    response = ask(serve({"a": rows}), "awkward/full/a?format=json")
    assert "content-length" not in response.headers
    assert response.json() == rows.to_list()


def test_complex_numbers_have_no_json(serve, ask):
    response = ask(serve({"a": ak.Array([[1j]])}), "awkward/full/a?format=json")
    assert response.status_code == 406
    assert "application/zip" in response.json()["detail"]


def test_other_programs_read_arrow_and_parquet(serve, ask):
    client = serve({"a": KINDS["records"]})
    table = pa.ipc.open_file(io.BytesIO(ask(client, "awkward/full/a?format=arrow").content)).read_all()
    assert ak.from_arrow(table).to_list() == KINDS["records"].to_list()
    table = parquet.read_table(io.BytesIO(ask(client, "awkward/full/a?format=parquet").content))
    assert table.column("y").to_pylist() == [2.0, 4.0]


def test_large_buffers_are_sent_from_where_they_are(serve, ask, monkeypatch):
    numbers = np.arange(400_000.0)
    monkeypatch.setattr(archives, "_at_once", None)
    response = ask(serve({"a": ak.Array(numbers)}), "awkward/full/a")
    assert "content-length" not in response.headers
    assert entries(response)["node0-data"] == numbers.tobytes()


def test_too_large_an_answer_is_refused_with_a_way_out(serve, ask):
    client = serve({"a": NESTED}, response_bytesize_limit=100)
    response = ask(client, "awkward/full/a")
    assert response.status_code == 400
    assert "136 bytes" in response.json()["detail"]
    assert client["a"]["x"].to_list() == [[1.1, 2.2], [], [3.3]]


def test_what_has_not_changed_is_not_sent_again(serve, ask):
    array = ak.Array([{"x": 1}])
    client = serve({"a": array})
    etag = ask(client, "awkward/full/a").headers["etag"]
    assert ask(client, "awkward/full/a", headers={"if-none-match": etag}).status_code == 304
    array["y"] = [2]
    assert ask(client, "awkward/full/a", headers={"if-none-match": etag}).status_code == 200
    assert client["a"].read().to_list() == [{"x": 1, "y": 2}]


def test_two_applications_do_not_mix_their_arrays(serve):
    first, second = serve({"a": ak.Array([1])}), serve({"a": ak.Array([2])})
    assert (first["a"].read().to_list(), second["a"].read().to_list()) == ([1], [2])


def test_a_node_that_fails_is_named(serve, ask):
    class Failing(MemoryAwkward):
        def read_buffers(self, names):
            raise OSError("the disk is gone")

    response = ask(serve({"a": Failing(NESTED)}), "awkward/full/a")
    assert response.status_code == 500
    assert response.json()["detail"] == "'a' could not be read: Failing raised OSError"


# The client


@pytest.mark.parametrize(
    ("index", "keys"),
    [
        ("x", ["node0", "node2"]),
        (["y"], ["node0", "node3", "node4"]),
        ((0, "x"), ["node0", "node2"]),
        ((slice(None), slice(None), "y"), ["node0", "node3", "node4"]),
        ((0, 0, "y", 0), ["node0", "node3", "node4"]),
        (..., ["node0", "node2", "node3", "node4"]),
        (slice(0, 2), ["node0", "node2", "node3", "node4"]),
        (-1, ["node0", "node2", "node3", "node4"]),
        ((0, 1), ["node0", "node2", "node3", "node4"]),
        ((slice(None, None, 2), 0), ["node0", "node2", "node3", "node4"]),
        (np.array([0, 2]), ["node0", "node2", "node3", "node4"]),
        (ak.Array([True, False, True]), ["node0", "node2", "node3", "node4"]),
    ],
)
def test_one_request_fetches_the_buffers_that_a_selection_touches(serve, monkeypatch, index, keys):
    array = serve({"a": NESTED})["a"]
    asked = []
    fetch = type(array)._fetching
    monkeypatch.setattr(
        type(array), "_fetching", lambda self, form_keys: asked.append(form_keys) or fetch(self, form_keys)
    )
    with record_history() as history:
        found = array[index]
    assert ak.to_list(found) == ak.to_list(NESTED[index])
    assert type(found) is type(NESTED[index])
    assert [sorted(form_keys) for form_keys in asked] == [keys]
    assert [request.method for request in history.requests] == ["POST"]


def test_what_the_selection_did_not_tell_is_fetched_when_it_is_needed(serve, monkeypatch):
    array = serve({"a": NESTED})["a"]
    monkeypatch.setattr("tiled_awkward.awkward.client_selection.touched_keys", lambda form, index: ["node0"])
    with record_history() as history:
        assert array["y"].to_list() == NESTED["y"].to_list()
    assert len(history.requests) == 2


@pytest.mark.parametrize("index", [3, -4, (7, "x"), "z"])  # awkward's own error for a missing field is an IndexError
def test_what_is_not_there_is_an_error_before_anything_travels(serve, index):
    array = serve({"a": NESTED})["a"]
    with record_history() as history, pytest.raises(IndexError):
        array[index]
    assert not history.requests


def test_an_empty_array_needs_no_request(serve):
    array = serve({"a": ak.Array([])})["a"]
    with record_history() as history:
        assert array.read().to_list() == []
    assert not history.requests


def test_an_answer_that_lacks_a_buffer_is_told(serve, monkeypatch):
    array = serve({"a": NESTED})["a"]

    def fetching_nothing(self, form_keys):
        return {}
        yield

    monkeypatch.setattr(type(array), "_fetching", fetching_nothing)
    with pytest.raises(UnexpectedAnswer, match="lacks the buffers node0-offsets"):
        array.read()


@pytest.mark.parametrize(
    ("array", "shown"),
    [
        (NESTED, "<AwkwardClient>"),
        (KINDS["records"], "<AwkwardClient {x, y} 2 items>"),
        (ak.Array([{"x": 1}]), "<AwkwardClient {x} 1 item>"),
        (KINDS["tuples"], "<AwkwardClient {0, 1} 2 items>"),
        (
            ak.Array([{letter * 12: 1 for letter in "abcdefghi"}] * 2),
            "<AwkwardClient {aaaaaaaaaaaa, bbbbbbbbbbbb, cccccccccccc, ...} ~9 fields, 2 items>",
        ),
    ],
)
def test_it_shows_its_fields(serve, array, shown):
    assert repr(serve({"a": array})["a"]) == shown


def test_it_knows_its_length_and_its_fields(serve):
    array = serve({"a": KINDS["records"]})["a"]
    assert (len(array), array.fields) == (2, ["x", "y"])


def test_each_format_that_is_listed_can_be_exported(serve):
    array = serve({"a": NESTED})["a"]
    assert array.formats == [
        "application/json",
        "application/vnd.apache.arrow.file",
        "application/x-parquet",
        "application/zip",
    ]
    for media_type in array.formats:
        buffer = io.BytesIO()
        array.export(buffer, format=media_type)
        assert buffer.getvalue(), media_type


@pytest.mark.parametrize("module", ["tiled_awkward", "tiled_awkward.client_classes", "tiled_awkward.awkward.client"])
def test_importing_the_plugin_loads_no_library_of_data(module):
    heavy = ("numpy", "awkward", "ragged", "pyarrow", "pandas")
    code = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()


def test_composing_a_server_loads_no_library_of_data():
    code = (
        "import sys, tiled_awkward; from tiledkernel.composition import Composition;"
        "from tiledkernel.plugins import discover; from tiledkernel.server import build_app;"
        "build_app({}, composition=Composition(discover(third_party=False, extra={'awkward': tiled_awkward})));"
        "print(*[name for name in ('awkward', 'ragged', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()
