"""Ragged arrays that a client uploads to a catalog and adds rows to, and requests that cannot be meant."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import awkward as ak
import msgspec
import numpy as np
import pytest
import ragged
from tiled_awkward.archives import whole_archive
from tiled_awkward.ragged.client import RaggedClient
from tiled_awkward.ragged.client_writing import divide
from tiled_awkward.ragged.describing import describe_ragged
from tiled_awkward.ragged.entries import entries_of
from tiled_awkward.ragged.fitting import fitted

from tiledkernel.client import aio, record_history
from tiledkernel.client.data_sources import DataSource
from tiledkernel.utils import Conflicts

LISTS = [[1.0, 2.0], [3.0], []]
DEEP = [[[1.1, 2.2, 3.3], []], [[4.4]], [], [[5.5, 6.6, 7.7, 8.8], [9.9]]]
JSON = "application/json"


def message(response: Any) -> str:
    detail = response.json()["detail"]
    return detail if isinstance(detail, str) else detail[0]["msg"]


def archive(lists: Any) -> memoryview:
    return whole_archive(entries_of(lists if isinstance(lists, ak.Array) else ak.Array(lists)))


def part_of(offsets: list[int], data: Any, **changes: Any) -> memoryview:
    """Lists as programs send them that cut a piece out of a longer array: the offsets do not begin at 0."""
    form = {
        "class": "ListOffsetArray", "offsets": "i64", "form_key": "node0",
        "content": {"class": "NumpyArray", "primitive": "float64", "form_key": "node1"},
    }  # fmt: skip
    entries = {
        "node0-offsets": np.array(offsets), "node1-data": np.asarray(data),
        "length": (len(offsets) - 1).to_bytes(8, "big"), "form": json.dumps(json.dumps(form)).encode(),
    }  # fmt: skip
    return whole_archive((entries | changes).items())


@pytest.fixture
def r(catalog) -> RaggedClient:
    """An array of lists of numbers."""
    return catalog.write_ragged(LISTS, key="r")


@pytest.fixture
def chunked(catalog) -> RaggedClient:
    """An array of several chunks."""
    return catalog.write_ragged(DEEP, key="chunked", max_partition_bytes=100)


# The client


@pytest.mark.parametrize(
    "lists",
    [
        LISTS, DEEP, [1, 2, 3], np.arange(6).reshape(2, 3), [[]], [], [[True], []], [[1j], []],
        ragged.array([[1, 2], [3]]), ak.Array([[1, 2], [3]])[1:],
    ],
    ids=str,
)  # fmt: skip
def test_what_is_written_is_read(catalog, lists) -> None:
    expected = lists if isinstance(lists, ragged.array) else ragged.array(lists)
    found = catalog.write_ragged(lists, key="r")
    assert isinstance(found, RaggedClient)
    for client in (found, catalog["r"]):
        assert (client.read().tolist(), client.read().dtype) == (expected.tolist(), expected.dtype)
        assert (client.shape, client.size) == (expected.shape, expected.size)


def test_a_new_array_is_two_requests(catalog) -> None:
    with record_history() as history:
        r = catalog.write_ragged(LISTS, key="r", dims=["event", "hit"], metadata={"n": 1}, specs=["s"])
    assert [request.method for request in history.requests] == ["POST", "PUT"]
    found = catalog["r"]
    assert (r.dims, found.dims, found.metadata["n"]) == (("event", "hit"), ("event", "hit"), 1)
    assert r[0, 1].tolist() == 2.0


def test_a_large_array_is_sent_in_parts(catalog) -> None:
    with record_history() as history:
        found = catalog.write_ragged(DEEP, key="r", max_partition_bytes=100)
    assert [request.url.path.rpartition("/")[0] for request in history.requests[1:]] == ["/api/v1/ragged/block"] * 2
    assert found.chunks == catalog["r"].chunks == ((3, 1), None, None)
    assert found.read().tolist() == DEEP
    assert found.chunked


@pytest.mark.parametrize(
    ("lists", "limit", "chunks"),
    [
        ([[1.0]] * 5, 32, (2, 2, 1)), ([[1.0]] * 5, 1, (1,) * 5), ([[1.0] * 9, [1.0]], 20, (1, 1)), ([], 5, (0,)),
        (np.zeros((4, 2)), 32, (2, 2)), ([1.0, 2.0, 3.0], 16, (2, 1)),
    ],
    ids=str,
)  # fmt: skip
def test_parts_have_as_many_rows_as_fit(lists, limit, chunks) -> None:
    array = ragged.array(lists)
    assert divide(fitted(ak.Array(array._impl), describe_ragged(array)), limit) == chunks


def test_rows_are_added_at_the_end(r, catalog) -> None:
    r.patch([[4, 5, 6]], offset=3, extend=True)
    for client in (r, catalog["r"]):
        assert (client.shape, client.size, client.chunks) == ((4, None), 6, ((3, 1), None))
        assert client.read().tolist() == [*LISTS, [4, 5, 6]]
    r.patch(ragged.array([[7.0]]), offset=(4,), extend=True)
    assert len(r) == 5


@pytest.mark.parametrize(
    ("offset", "options"),
    [(0, {"extend": True}), (3, {}), (3, {"extend": True, "persist": False}), ((3, 1), {"extend": True})],
)
def test_nothing_else_can_be_patched(r, offset, options) -> None:
    with record_history() as history, pytest.raises(NotImplementedError, match="offset=3 and extend=True"):
        r.patch([[1.0]], offset, **options)
    assert not history.requests


def test_who_adds_rows_where_others_have_been_is_told(r, catalog) -> None:
    catalog["r"].patch([[9.0]], offset=3, extend=True)
    with pytest.raises(Conflicts, match="at the offset 4, not 3"):
        r.patch([[8.0]], offset=3, extend=True)
    assert r.read().tolist() == [*LISTS, [9.0]]


def test_all_rows_are_replaced(r, catalog) -> None:
    r.write([[9.0], []])
    for client in (r, catalog["r"]):
        assert (client.read().tolist(), client.shape, client.size, client.chunks) == (
            [[9.0], []], (2, None), 1, ((2,), None),
        )  # fmt: skip


def test_a_chunk_is_replaced(chunked, catalog) -> None:
    chunked.write_block([[[1.0]], [], [[2.0], [3.0]]], 0)
    for client in (chunked, catalog["chunked"]):
        assert client.read().tolist() == [[[1.0]], [], [[2.0], [3.0]], DEEP[3]]
        assert client.size == 8


@pytest.mark.parametrize(
    ("write", "error", "reason"),
    [
        (lambda r: r.write([1.0]), ValueError, "too shallow"),
        (lambda r: r.write([[1j]]), ValueError, "complex128 do not fit"),
        (lambda r: r.patch([["a"]], 3, extend=True), ValueError, "lists of numbers"),
        (lambda r: r.write_block([[1.0]], 1), IndexError, "no block 1"),
    ],
)
def test_what_does_not_fit_is_an_error_before_anything_travels(r, write, error, reason) -> None:
    with record_history() as history, pytest.raises(error, match=reason):
        write(r)
    assert not history.requests


def test_an_array_without_axes_or_one_that_may_not_grow_is_refused(catalog) -> None:
    with pytest.raises(ValueError, match="serve it as an array"):
        catalog.write_ragged(5.0)
    with pytest.raises(NotImplementedError, match="appendable"):
        catalog.write_ragged(LISTS, appendable=False)
    with pytest.raises(ValueError, match="max_partition_bytes"):
        catalog.write_ragged(LISTS, max_partition_bytes=0)
    assert list(catalog) == []


def test_programs_that_await_write_too(catalog_app) -> None:
    async def run() -> Any:
        context = await aio.AsyncContext.from_app(catalog_app)
        client = await aio.from_context(context)
        r = await client.write_ragged(LISTS, key="r")
        await r.patch([[9.0]], offset=3, extend=True)
        await r.write_block([[8.0]], 1)
        found = await r.read()
        await context.aclose()
        return found

    assert asyncio.run(run()).tolist() == [*LISTS, [8.0]]


# What other programs send


def test_offsets_need_not_begin_at_zero_and_the_content_may_be_larger(r, send, location) -> None:
    assert send("PUT", "ragged/full/r", part_of([1, 2, 2, 4], [0.0, 7, 8, 9, 0, 0])).json() is None
    assert r.read().tolist() == [[7], [], [8, 9]]
    assert sum(path.read_bytes().count(np.float64(8).tobytes()) for path in location.folder.rglob("*.zip")) == 1
    response = send("PATCH", "ragged/full/r?shape=2&offset=3&extend=true", part_of([2, 3, 5], [0.0, 0, 1, 2, 3, 9]))
    assert response.status_code == 200
    assert response.json() == {
        "data_type": {"endianness": "little", "kind": "f", "itemsize": 8, "dt_units": None},
        "shape": [5, None], "size": 6, "chunks": [[3, 2], None], "dims": None, "resizable": False,
    }  # fmt: skip
    assert r.read().tolist() == [[7], [], [8, 9], [1], [2, 3]]


def test_nested_lists_may_come_as_json(r, send) -> None:
    assert send("PUT", "ragged/full/r", b"[[1, 2.5], [], [null]]", JSON).status_code == 200
    assert r.read()[:2].tolist() == [[1, 2.5], []]
    assert np.isnan(r[2, 0].tolist())
    assert send("PATCH", "ragged/full/r?shape=1&offset=3&extend=true", b"[[4]]", JSON).json()["size"] == 4
    assert send("PUT", "ragged/block/r?block=1", b"[[5]]", JSON).status_code == 200
    assert r.read()[3].tolist() == [5]


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f4"])
def test_json_becomes_elements_of_the_type_of_the_array(catalog, send, dtype) -> None:
    r = catalog.write_ragged(ak.values_astype(ak.Array([[1], []]), dtype), key="r")
    body = b"[[true], [false]]" if dtype == "?" else b"[[1], [0]]"
    assert send("PUT", "ragged/full/r", body, JSON).status_code == 200
    assert (r.read().tolist(), r.read().dtype) == ([[1], [0]], np.dtype(dtype))


@pytest.mark.parametrize(
    ("body", "media_type", "reason"),
    [
        (b"[[1], 2, []]", JSON, "Expected `array`, got `int`"),
        (b"[[1], [[2]], []]", JSON, "got `array`"),
        (b'[["1"]]', JSON, "got `str`"),
        (b"[[1]", JSON, "does not fit"),
        (b"[" * 100_000, JSON, "does not fit"),
        (b"\xff", JSON, "does not fit"),
        (b"", JSON, "does not fit"),
        (b"nonsense", "application/zip", "no ZIP archive"),
        (archive([[1.0]])[:-5], "application/zip", "no ZIP archive"),
        (whole_archive([("x", b"1")]), "application/zip", "lacks the entries form, length"),
        (part_of([0, 1], [1.0], length=b"1"), "application/zip", "'length' has 1 bytes"),
        (part_of([0, 1], [1.0], length=b"\xff" * 8), "application/zip", "too many"),
        (part_of([0, 1], [1.0], length=(2).to_bytes(8, "big")), "application/zip", "make up no array"),
        (part_of([0, 1], [1.0], form=b"{"), "application/zip", "'form' is none"),
        (part_of([0, 1], [1.0], form=b"5"), "application/zip", "'form' is none"),
        (part_of([0, 1], [1.0], form=b"[" * 5000), "application/zip", "'form' is none"),
        (part_of([0, 1], [1.0], form=b'{"class": "X"}'), "application/zip", "make up no array"),
        (part_of([0, 9], [1.0]), "application/zip", "make up no array"),
        (part_of([3, 0], [1.0, 2, 3]), "application/zip", "make up no array"),
        (part_of([-5, 1], [1.0, 2, 3]), "application/zip", "make up no array"),
        (archive([[[1.0]]]), "application/zip", "too deep"),
        (archive([["a"]]), "application/zip", "lists of numbers"),
        (archive([[1j]]), "application/zip", "complex128 do not fit"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_nothing_changes(r, send, body, media_type, reason) -> None:
    for method, path in (
        ("PUT", "ragged/full/r"), ("PUT", "ragged/block/r?block=0"),
        ("PATCH", "ragged/full/r?shape=1&offset=3&extend=true"),
    ):  # fmt: skip
        response = send(method, path, body, media_type)
        assert response.status_code == 422
        assert reason in message(response)
    assert r.read().tolist() == LISTS


def test_numbers_too_large_for_the_type_are_refused(catalog, send) -> None:
    catalog.write_ragged(ak.values_astype(ak.Array([[1], []]), "u1"), key="r")
    for body in (b"[[256]]", b"[[-1]]", b"[[1.5]]", b"[[null]]", str([[1 << 200]]).encode()):
        assert send("PUT", "ragged/full/r", body, JSON).status_code == 422


def test_complex_numbers_have_no_json(catalog, send) -> None:
    catalog.write_ragged([[1j]], key="r")
    response = send("PUT", "ragged/full/r", b"[[1]]", JSON)
    assert response.status_code == 415
    assert "send application/zip" in message(response)


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("PATCH", "ragged/full/r?shape=1&offset=0&extend=true", 409, "at the offset 3, not 0"),
        ("PATCH", "ragged/full/r?shape=1&offset=4&extend=true", 409, "at the offset 3, not 4"),
        ("PATCH", "ragged/full/r?shape=1&offset=3,1&extend=true", 409, "at the offset 3, not 3,1"),
        ("PATCH", "ragged/full/r?shape=1&offset=3", 409, "Use ?extend=true"),
        ("PATCH", "ragged/full/r?shape=1&offset=3&extend=true&persist=false", 400, "persist=false"),
        ("PATCH", "ragged/full/r?shape=2&offset=3&extend=true", 422, "promises 2 rows, and there are 1"),
        ("PATCH", "ragged/full/r?shape=a&offset=3&extend=true", 422, "not understood"),
        ("PATCH", "ragged/full/r?shape=1&offset=-3&extend=true", 422, "not understood"),
        ("PATCH", "ragged/full/r?offset=3", 422, "'shape' is missing"),
        ("PATCH", "ragged/full/r?shape=1", 422, "'offset' is missing"),
        ("PUT", "ragged/block/r?block=1", 422, "no block '1'"),
        ("PUT", "ragged/block/r?block=0,0", 422, "no block '0,0'"),
        ("PUT", "ragged/block/r?block=x", 422, "not understood"),
        ("PUT", "ragged/block/r", 422, "'block' is missing"),
        ("PUT", "ragged/block/r?block=0", 422, "has 3 rows, not 1"),
        ("PUT", "ragged/full/nowhere", 404, "no such entry"),
        ("PUT", "awkward/full/r", 404, "of family 'ragged'"),
        ("POST", "ragged/full/r", 405, "Method Not Allowed"),
    ],
)
def test_what_cannot_be_meant_is_refused(r, send, method, path, status, reason) -> None:
    response = send(method, path, archive([[1.0]]))
    assert response.status_code == status
    assert reason in message(response)
    assert r.read().tolist() == LISTS


def test_other_forms_are_not_taken(r, send) -> None:
    assert send("PUT", "ragged/full/r", b"1,2", "text/csv").status_code == 415


@pytest.mark.parametrize("path", ["ragged/full/r?persist=false", "ragged/block/r?block=0&persist=false"])
def test_without_persist_rows_are_looked_at_and_not_kept(r, send, path) -> None:
    assert send("PUT", path, archive([[9.0]] * 3)).status_code == 200
    assert send("PUT", path, b"nonsense").status_code == 422
    assert r.read().tolist() == LISTS


def test_arrays_that_were_not_uploaded_cannot_be_written(serve) -> None:
    context = serve({"r": ragged.array(LISTS)}, single_user_api_key="secret").context
    headers = {"authorization": "Apikey secret"}
    for method, path in (("PUT", "full/r"), ("PUT", "block/r?block=0"), ("PATCH", "full/r?shape=1&offset=3")):
        response = context.http_client.request(method, f"{context.api_uri}ragged/{path}", content=b"", headers=headers)
        assert response.status_code == 405
        assert "write a new array instead" in message(response)


def test_a_writer_may_ask_for_a_table_of_a_database_and_gets_our_form(r, catalog) -> None:
    structure = msgspec.to_builtins(r.structure())
    source = DataSource(structure_family="ragged", structure=structure, mimetype="application/x-ragged+sql")
    found = catalog.new("ragged", [source], key="x")
    found.write(LISTS)
    assert found.read().tolist() == LISTS
    assert [source.mimetype for source in found.data_sources()] == ["application/x-ragged-archives"]


def test_what_was_written_is_not_taken_for_what_was_there(r, ask) -> None:
    etag = ask(r, "ragged/full/r").headers["etag"]
    assert ask(r, "ragged/full/r", headers={"if-none-match": etag}).status_code == 304
    r.patch([[1.0]], offset=3, extend=True)
    assert ask(r, "ragged/full/r", headers={"if-none-match": etag}).status_code == 200


def test_a_write_may_depend_on_the_state_that_the_writer_knows(r, ask, send) -> None:
    etag = ask(r, "metadata/r").headers["etag"]
    body = archive([[1.0]])
    assert [send("PUT", "ragged/full/r", body, **{"if-match": etag}).status_code for _ in range(2)] == [200, 412]
