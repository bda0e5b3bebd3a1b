"""Writing over HTTP: what comes is what is written, and what cannot be is refused with a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tiledkernel.blocks import block_bounds
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.memory import MemoryArray

DATA = np.arange(42, dtype="<i4").reshape(6, 7)
RAW = {"content-type": "application/octet-stream"}


class Notebook(MemoryArray):
    """An array that can be written, and that remembers how."""

    def __init__(self, array: Any, **options: Any) -> None:
        super().__init__(np.array(array), **options)
        self.written: list[tuple[Any, ...]] = []
        self.seen: Any = None

    def write(self, data: Any) -> None:
        self.written.append(("write",))
        self.seen = data
        self.array[...] = data

    def write_block(self, block: tuple[int, ...], data: Any, inside: Any = ()) -> None:
        self.written.append(("block", block, inside))
        self.array[(*block_bounds(block, self.structure.chunks), ...)][inside] = data

    def patch(self, offset: Any, data: Any, *, extend: bool = False) -> Any:
        self.written.append(("patch", offset, extend))
        stop = tuple(at + length for at, length in zip(offset, data.shape, strict=True))
        grown = np.zeros(tuple(map(max, self.array.shape, stop)), self.array.dtype)
        grown[tuple(map(slice, self.array.shape))] = self.array
        grown[tuple(map(slice, offset, stop))] = data
        self.array = grown
        self.structure = describe_array(grown.shape, grown.dtype, dims=self.structure.dims)
        return self.structure


@pytest.fixture
def notebook() -> Notebook:
    return Notebook(DATA, chunks=(4, 3), dims=("y", "x"))


@pytest.fixture
def caller(connect: Any, notebook: Notebook) -> Any:
    tree = {
        "x": notebook,
        "fixed": MemoryArray(DATA),
        "point": Notebook(np.array(3.5)),
        "none": Notebook(np.empty((0, 3))),
        "texts": Notebook(np.array(["a", "b"])),
        "records": Notebook(np.zeros(2, [("n", "<U2"), ("v", ">i2")])),
        "c": {},
    }
    return connect(tree, headers={"authorization": "Apikey secret"})


def put(caller: Any, path: str, data: Any, **options: Any) -> Any:
    content = data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()
    return caller.request("PUT", path, content=content, **{"headers": RAW, **options})


def patch(caller: Any, query: str, data: Any, path: str = "array/full/x") -> Any:
    return caller.request("PATCH", f"{path}?{query}", content=np.ascontiguousarray(data).tobytes(), headers=RAW)


def said(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    detail = response.json()["detail"]
    return detail if isinstance(detail, str) else detail[0]["msg"]


# What is written


def test_a_whole_array_is_written(caller, notebook):
    response = put(caller, "array/full/x", DATA * 2)
    assert (response.status_code, response.json()) == (200, None)
    assert notebook.array.tolist() == (DATA * 2).tolist()


def test_the_bytes_that_came_are_not_copied(caller, notebook):
    put(caller, "array/full/x", DATA * 2)
    assert not notebook.seen.flags.owndata


def test_a_block_is_written(caller, notebook):
    response = put(caller, "array/block/x?block=1,2", np.array([[7], [8]], "<i4"))
    assert (response.status_code, response.json()) == (200, None)
    assert notebook.array[4:, 6].tolist() == [7, 8]


@pytest.mark.parametrize("text", ["1", ":,::-1", "3:0:-2,1:", "-1,-1", ""])
def test_a_slice_of_a_block_is_written(caller, notebook, text):
    inside = eval(f"np.s_[{text or '...'}]")
    data = np.arange(100, 112, dtype="<i4").reshape(4, 3)[inside]
    assert put(caller, f"array/block/x?block=0,1&slice={text}", data).status_code == 200
    expected = DATA.copy()
    expected[:4, 3:6][inside] = data
    assert notebook.array.tolist() == expected.tolist()


def test_data_are_written_from_an_offset_on(caller, notebook):
    response = patch(caller, "offset=2,1&shape=2,3", np.full((2, 3), -1, "<i4"))
    assert response.json()["shape"] == [6, 7]
    assert (notebook.array[2:4, 1:4] == -1).all()


def test_offsets_that_are_left_out_are_zero(caller, notebook):
    assert patch(caller, "offset=5&shape=1,7", np.full((1, 7), -1, "<i4")).status_code == 200
    assert notebook.written == [("patch", (5, 0), False)]


def test_an_array_that_has_grown_is_described_in_the_answer(caller):
    response = patch(caller, "offset=6&shape=1,7&extend=true", np.full((1, 7), -1, "<i4"))
    assert response.json() == {
        "data_type": {"endianness": "little", "kind": "i", "itemsize": 4, "dt_units": None},
        "chunks": [[7], [7]],
        "shape": [7, 7],
        "dims": ["y", "x"],
        "resizable": False,
    }


@pytest.mark.parametrize("path", ["array/full/point", "array/block/point?block="])
def test_an_array_without_axes_is_written(caller, path):
    assert put(caller, path, np.array(4.5)).status_code == 200
    assert caller.array("array/full/point", (), "f8") == 4.5


@pytest.mark.parametrize("path", ["array/full/none", "array/block/none?block=0,0"])
def test_nothing_is_written_to_an_array_without_elements(caller, path):
    assert put(caller, path, b"").status_code == 200


def test_records_travel_as_they_are(caller):
    data = np.array([("é", 1), ("zz", -2)], [("n", "<U2"), ("v", ">i2")])
    assert put(caller, "array/full/records", data).status_code == 200
    assert caller.get("array/full/records?format=json").json() == [["é", 1], ["zz", -2]]


def test_the_type_of_the_media_need_not_be_said(caller):
    assert put(caller, "array/full/x", DATA, headers={"content-type": ""}).status_code == 200


def test_a_body_may_come_without_its_length(caller, notebook):
    def pieces() -> Any:
        yield DATA.tobytes()[:30]
        yield DATA.tobytes()[30:]

    async def body() -> Any:
        for piece in pieces():
            yield piece

    assert caller.request("PUT", "array/full/x", content=body(), headers=RAW).status_code == 200
    assert notebook.written == [("write",)]


def test_data_that_are_not_to_be_kept_are_looked_at_and_dropped(caller, notebook):
    assert put(caller, "array/full/x?persist=false", DATA * 2).json() is None
    assert put(caller, "array/block/x?block=0,0&persist=false", DATA[:4, :3]).json() is None
    assert patch(caller, "offset=0&shape=1,7&persist=false", DATA[:1]).json()["shape"] == [6, 7]
    assert put(caller, "array/full/x?persist=false", DATA[:2]).status_code == 422
    assert notebook.written == []


# What is refused


@pytest.mark.parametrize("path", ["array/full/x", "array/block/x?block=0,0", "array/full/x?persist=false"])
@pytest.mark.parametrize("size", [0, 11, 200])
def test_a_wrong_length_is_told_with_both_numbers(caller, notebook, path, size):
    text = said(put(caller, path, b"\1" * size), 422)
    expected = 48 if "block" in path else 168
    assert f"has {size} bytes, but {expected} were expected" in text
    assert ("(4, 3)" if "block" in path else "(6, 7)") in text
    assert notebook.written == []


@pytest.mark.parametrize("size", [8, 200])
def test_so_is_one_of_a_body_that_did_not_say_how_long_it_is(caller, notebook, size):
    async def body() -> Any:
        yield b"\1" * size

    text = said(caller.request("PUT", "array/full/x", content=body(), headers=RAW), 422)
    assert str(size) in text
    assert "168" in text
    assert notebook.written == []


def test_a_wrong_length_is_told_before_the_data_are_received(caller):
    messages = caller.raw(
        "/api/v1/array/full/x", method="PUT", content_length="168000000000", authorization="Apikey secret"
    )
    assert messages[0]["status"] == 422


@pytest.mark.parametrize("media_type", ["application/json", "text/csv", "application/vnd.apache.arrow.file"])
def test_another_media_type_is_refused(caller, notebook, media_type):
    response = put(caller, "array/full/x", DATA, headers={"content-type": media_type})
    assert "application/octet-stream" in said(response, 415)
    assert notebook.written == []


@pytest.mark.parametrize("block", ["2,0", "0,3", "0", "0,0,0", "-1,0", "a", "0,,0", "999999999999999999,0"])
def test_a_block_that_is_not_there_is_refused(caller, notebook, block):
    said(put(caller, f"array/block/x?block={block}", DATA[:4, :3]), 422)
    assert notebook.written == []


@pytest.mark.parametrize(("text", "status"), [("9", 422), ("1,2,3", 422), ("x", 422), ("1:2:0", 400), ("...", 422)])
def test_a_slice_that_does_not_fit_the_block_is_refused(caller, notebook, text, status):
    said(put(caller, f"array/block/x?block=0,0&slice={text}", b""), status)
    assert notebook.written == []


def test_data_that_reach_beyond_are_a_conflict_unless_the_array_may_grow(caller, notebook):
    text = said(patch(caller, "offset=5&shape=2,7", DATA[:2]), 409)
    assert "Use ?extend=true to" in text
    assert "(2, 7)" in text
    assert "(6, 7)" in text
    assert notebook.written == []


def test_an_array_does_not_grow_by_data_that_are_not_kept(caller, notebook):
    assert "persist" in said(patch(caller, "offset=5&shape=2,7&extend=true&persist=false", DATA[:2]), 400)
    assert notebook.written == []


@pytest.mark.parametrize(
    "query",
    ["shape=1,7", "offset=0", "offset=0&shape=7", "offset=0,0,0&shape=1,7", "offset=-1&shape=1,7", "offset=a&shape=1,7",
     "offset=0&shape=1,-7", "offset=0&shape=1,7.0", "offset=0&shape=", "offset=0&shape=1,7&extend=maybe",
     "offset=9999999999999999999999&shape=1,7", "offset=0&shape=1,7&size=3", "offset=0&shape=1,,7"],
)  # fmt: skip
def test_parameters_that_cannot_be_meant_are_refused(caller, notebook, query):
    said(patch(caller, query, DATA[:1]), 422)
    assert notebook.written == []


def test_a_shape_that_does_not_fit_the_body_is_refused(caller, notebook):
    assert "28 were expected" in said(patch(caller, "offset=0&shape=1,7", DATA[:2]), 422)
    said(patch(caller, "offset=0&shape=999999999999999999,999999999999999999&extend=true", DATA[:1]), 422)
    assert notebook.written == []


@pytest.mark.parametrize("order", ["<", ">"])
def test_letters_that_are_none_are_refused(caller, order):
    said(put(caller, "array/full/texts", np.array([65, 0x110000], "<u4")), 422)
    data = np.zeros(2, [("n", "<u4", 2), ("v", ">i2")])
    data["n"] = np.array(0x41, f"{order}u4").view("<u4")
    assert put(caller, "array/full/records", data).status_code == (200 if order == "<" else 422)


@pytest.mark.parametrize("path", ["array/full/fixed", "array/block/fixed?block=0,0"])
def test_an_array_that_cannot_be_written_says_so(caller, path):
    response = put(caller, path, DATA)
    assert "'fixed' cannot be written" in said(response, 405)
    assert response.headers["allow"] == "GET, HEAD"


def test_what_is_no_array_is_not_found(caller):
    assert "family 'container'" in said(put(caller, "array/full/c", DATA), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_writing_takes_a_scope(connect, notebook, method):
    anonymous = connect({"x": notebook})
    response = anonymous.request(method, "array/full/x?offset=0&shape=6,7", content=DATA.tobytes())
    assert response.status_code == 401
    assert "write:data" in response.text
    assert notebook.written == []
