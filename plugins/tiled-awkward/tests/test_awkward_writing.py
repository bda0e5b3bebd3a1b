"""Awkward arrays that a client uploads to a catalog, and requests that cannot be meant."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np
import pytest
from tiled_awkward.archives import whole_archive
from tiled_awkward.awkward.client import AwkwardClient
from tiled_awkward.buffers import take_apart

from tiledkernel.client import aio, record_history

NESTED = ak.Array([[{"x": 1.1, "y": [1]}, {"x": 2.2, "y": [1, 2]}], [], [{"x": 3.3, "y": [1, 2, 3]}]])
LISTS = ak.Array([[1, 2, 3], [4], []])
OFFSETS, DATA = np.array([0, 3, 4, 4]), np.array([1, 2, 3, 4])


def message(response: Any) -> str:
    detail = response.json()["detail"]
    return detail if isinstance(detail, str) else detail[0]["msg"]


def archive(compression: int = zipfile.ZIP_STORED, **entries: Any) -> bytes:
    """As other programs write it; '_' in names stands for '-'."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as opened:
        for name, content in entries.items():
            opened.writestr(name.replace("_", "-"), bytes(memoryview(content).cast("B")) if len(content) else b"")
    return sink.getvalue()


@pytest.fixture
def a(catalog) -> AwkwardClient:
    """An array of lists of integers."""
    return catalog.write_awkward(LISTS, key="a")


# The client


@pytest.mark.parametrize(
    "array",
    [
        NESTED, LISTS, LISTS[1:], ak.Array([{"x": 1}, None]), ak.Array(["a", "b"]), ak.Array([1, "a", [2.5]]),
        ak.Array([]), ak.Array(np.arange(6).reshape(2, 3)), ak.Array([[1j]]),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_written_is_read(catalog, array) -> None:
    found = catalog.write_awkward(array, key="a")
    assert isinstance(found, AwkwardClient)
    assert found.read().to_list() == catalog["a"].read().to_list() == array.to_list()
    assert found.read().type == ak.to_packed(array).type


def test_a_new_array_is_two_requests(catalog) -> None:
    with record_history() as history:
        catalog.write_awkward(NESTED, key="a", metadata={"n": 1}, specs=["s"])
    assert [request.method for request in history.requests] == ["POST", "PUT"]
    found = catalog["a"]
    assert (found.metadata["n"], [spec.name for spec in found.specs]) == (1, ["s"])


def test_only_the_buffers_that_a_field_needs_are_fetched(catalog) -> None:
    found = catalog.write_awkward(NESTED, key="a")
    with record_history() as history:
        assert found["x"].to_list() == NESTED["x"].to_list()
    assert [len(response.content) for response in history.responses] < [400]


def test_all_data_are_replaced(a) -> None:
    a.write(ak.Array([[], [9], [8, 7]]))
    assert a.read().to_list() == [[], [9], [8, 7]]
    a.write({"node0-offsets": OFFSETS, "node1-data": DATA})
    assert a.read().to_list() == LISTS.to_list()


@pytest.mark.parametrize("array", [ak.Array([[1]]), ak.Array([[1.5], [], []]), ak.Array([1, 2, 3])], ids=str)
def test_an_array_of_another_type_is_an_error_before_anything_travels(a, array) -> None:
    with record_history() as history, pytest.raises(ValueError, match=r"stays, of type 3 \* var \* int64"):
        a.write(array)
    assert not history.requests


def test_programs_that_await_write_too(catalog_app) -> None:
    async def run() -> Any:
        context = await aio.AsyncContext.from_app(catalog_app)
        client = await aio.from_context(context)
        a = await client.write_awkward(LISTS, key="a")
        await a.write(ak.Array([[], [9], []]))
        found = await a.read()
        await context.aclose()
        return found

    assert asyncio.run(run()).to_list() == [[], [9], []]


# What other programs send


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_buffers_may_be_compressed_and_longer_than_needed(a, send, compression) -> None:
    offsets, data = np.array([1, 2, 2, 4]), np.array([0, 7, 8, 9, 0, 0])
    response = send("PUT", "awkward/full/a", archive(compression, node0_offsets=offsets, node1_data=data))
    assert (response.status_code, response.json()) == (200, None)
    assert a.read().to_list() == [[7], [], [8, 9]]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"node0_offsets": OFFSETS}, "lacks the buffers 'node1-data'"),
        ({"node0_offsets": OFFSETS, "node1_data": DATA, "x": b"1"}, "no buffers of this array: 'x'"),
        ({"node0_offsets": OFFSETS, "node1_data": DATA, "../../x": b"1"}, "no buffers of this array: '../../x'"),
        ({"node0_offsets": OFFSETS, "node1_data": DATA[:2]}, "make up no array"),
        ({"node0_offsets": OFFSETS[:2], "node1_data": DATA}, "make up no array"),
        ({"node0_offsets": OFFSETS[::-1].copy(), "node1_data": DATA}, "make up no array"),
        ({"node0_offsets": OFFSETS - 9, "node1_data": DATA}, "make up no array"),
        ({"node0_offsets": OFFSETS, "node1_data": b"123"}, "3 bytes, which are no elements of type int64"),
    ],
)  # fmt: skip
def test_buffers_that_do_not_fit_are_refused_and_nothing_changes(a, send, entries: Mapping[str, Any], reason) -> None:
    response = send("PUT", "awkward/full/a", archive(**entries))
    assert response.status_code == 422
    assert reason in message(response)
    assert a.read().to_list() == LISTS.to_list()


@pytest.mark.parametrize(
    ("path", "body", "media_type", "status"),
    [
        ("awkward/full/a", b"", "application/zip", 422),
        ("awkward/full/a", b"nonsense", "application/zip", 422),
        ("awkward/full/a", archive(node0_offsets=OFFSETS, node1_data=DATA)[:-9], "application/zip", 422),
        ("awkward/full/a", b"[]", "application/json", 415),
        ("awkward/full/a?slice=1", b"", "application/zip", 422),
        ("awkward/full/nowhere", b"", "application/zip", 404),
        ("ragged/full/a", b"", "application/zip", 404),
    ],
)
def test_what_cannot_be_meant_is_refused(a, send, path, body, media_type, status) -> None:
    response = send("PUT", path, body, media_type)
    assert response.status_code == status
    assert message(response)
    assert a.read().to_list() == LISTS.to_list()


def test_what_unpacks_to_far_more_than_the_array_can_have_is_refused(catalog, send) -> None:
    catalog.write_awkward(ak.Array([{"x": 1, "y": 2.0}]), key="records")
    response = send(
        "PUT", "awkward/full/records", archive(zipfile.ZIP_DEFLATED, node1_data=bytes(8), node2_data=bytes(9 << 20))
    )
    assert response.status_code == 422
    assert "at most 1_048_592 belong here" in message(response)
    assert send("PUT", "awkward/full/records", bytes(2 << 20)).status_code == 422


def test_without_persist_buffers_are_looked_at_and_not_kept(a, send) -> None:
    fitting = whole_archive(take_apart(ak.Array([[9], [9], [9]])).content.items())
    assert send("PUT", "awkward/full/a?persist=false", fitting).status_code == 200
    assert send("PUT", "awkward/full/a?persist=false", b"nonsense").status_code == 422
    assert a.read().to_list() == LISTS.to_list()


def test_arrays_that_were_not_uploaded_cannot_be_written(serve) -> None:
    context = serve({"a": LISTS}, single_user_api_key="secret").context
    headers = {"authorization": "Apikey secret"}
    response = context.http_client.put(f"{context.api_uri}awkward/full/a", content=b"", headers=headers)
    assert response.status_code == 405
    assert "write a new array instead" in message(response)


def test_what_was_written_is_not_taken_for_what_was_there(a, ask) -> None:
    etag = ask(a, "awkward/full/a").headers["etag"]
    assert ask(a, "awkward/full/a", headers={"if-none-match": etag}).status_code == 304
    a.write(LISTS)
    assert ask(a, "awkward/full/a", headers={"if-none-match": etag}).status_code == 200


def test_a_write_may_depend_on_the_state_that_the_writer_knows(a, ask, send) -> None:
    etag = ask(a, "metadata/a").headers["etag"]
    body = whole_archive(take_apart(LISTS).content.items())
    assert [send("PUT", "awkward/full/a", body, **{"if-match": etag}).status_code for _ in range(2)] == [200, 412]
