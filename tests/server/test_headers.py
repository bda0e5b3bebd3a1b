"""What every response carries, whoever made it."""

from __future__ import annotations

import re
import uuid

import numpy as np
import pytest

from tiledkernel.families.array.memory import MemoryArray

KINDS = {
    "data": "array/full/a",
    "a block": "array/block/a?block=0",
    "a message": "metadata/a",
    "a listing": "search/",
    "a page": "/docs",
    "the first page": "/",
    "a document": "/openapi.json",
    "health": "/healthz",
    "a mistake": "array/full/a?slice=99",
    "a wrong parameter": "search/?page[limit]=-1",
    "an unknown node": "metadata/nope",
    "an unknown path of the API": "nope",
    "an unknown path": "/nope",
    "an encoder that fails": "array/full/a?format=fail",
}
every_kind = pytest.mark.parametrize("path", KINDS.values(), ids=KINDS)


@pytest.fixture
def caller(connect, composition):
    return connect({"a": MemoryArray(np.arange(10.0)), "bad": 1}, composition=composition)


@every_kind
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "BREW"])
def test_every_response_is_safe_in_a_browser(caller, path, method) -> None:
    headers = caller.request(method, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "*" not in policy
    assert len(headers.get_list("content-security-policy")) == 1


def test_data_are_sandboxed(caller) -> None:
    for query in ("", "?format=csv", "?format=json"):
        assert caller.get(f"array/full/a{query}").headers["content-security-policy"].endswith("sandbox")


def test_a_page_runs_only_its_own_script(caller) -> None:
    policy = caller.get("/docs").headers["content-security-policy"]
    assert "script-src 'sha256-" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]


@every_kind
def test_every_response_has_a_request_id_of_its_own(caller, path) -> None:
    found = {caller.get(path).headers["x-tiled-request-id"] for _ in range(3)}
    assert len(found) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", text) for text in found)


GIVEN = "5db0de3f-7c58-4590-9e5f-a0674dc084be"  # of version 4


@every_kind
def test_a_request_id_of_the_client_is_repeated(caller, path) -> None:
    assert caller.get(path, headers={"x-tiled-request-id": GIVEN}).headers["x-tiled-request-id"] == GIVEN


@pytest.mark.parametrize(
    "given",
    ["", "x", "1" * 36, str(uuid.UUID(int=1)), f"{GIVEN}0", "é", f"{GIVEN} x"],
)
def test_what_is_no_uuid4_is_not_repeated(caller, given) -> None:
    found = caller.get("metadata/a", headers={"x-tiled-request-id": given.encode()}).headers["x-tiled-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", found)


@every_kind
def test_every_response_says_how_long_it_took(caller, path) -> None:
    timing = caller.get(path).headers["server-timing"]
    assert re.fullmatch(r"(\w+;dur=\d+\.\d(;ratio=\d+\.\d)?, )*app;dur=\d+\.\d", timing)


def test_reading_and_compressing_are_timed(connect) -> None:
    caller = connect({"a": MemoryArray(np.zeros(10_000))})
    timing = caller.get("array/full/a", headers={"accept-encoding": "gzip"}).headers["server-timing"]
    assert re.search(r"read;dur=", timing)
    assert re.search(r"compress;dur=\d+\.\d;ratio=\d+\.\d", timing)


@every_kind
def test_a_cookie_against_forgery_is_set_once(caller, path) -> None:
    first = caller.get(path)
    assert re.fullmatch(r"tiled_csrf=\S{20,}; HttpOnly; Path=/; SameSite=lax", first.headers["set-cookie"])
    assert "set-cookie" not in caller.get(path).headers


@pytest.mark.parametrize(
    "path",
    [
        "array/full/a?slice=99",
        "metadata/nope",
        "nope",
        "/nope",
        "search/?page[limit]=x",
        "array/full/a?format=zz",
        "container/full/?format=json&field=z",
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "application/x-msgpack", "text/html"])
def test_errors_are_always_json_with_a_detail(caller, path, accept) -> None:
    response = caller.get(path, headers={"accept": accept})
    assert response.status_code >= 400
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["detail"]
    assert int(response.headers["content-length"]) == len(response.content)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST", "OPTIONS", "BREW"])
def test_other_methods_are_told_which_there_are(caller, method) -> None:
    response = caller.request(method, "search/a")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    assert response.json() == {"detail": "Method Not Allowed"}
    everything = "DELETE, GET, HEAD, PATCH, POST, PUT"
    assert caller.request("OPTIONS", "metadata/a").headers["allow"] == everything


@pytest.mark.parametrize("path", ["/nope", "nope", "/api", "/api/v2/metadata/", "/docs/more"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_paths_are_not_found_by_any_method(caller, path, method) -> None:
    response = caller.request(method, path)
    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize(
    "path", ["array/full/a", "metadata/a", "search/", "array/full/a?format=csv", "/docs", "metadata/nope"]
)
def test_head_is_get_without_the_body(caller, path) -> None:
    got, head = caller.get(path), caller.request("HEAD", path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    varying = {"x-tiled-request-id", "server-timing", "set-cookie", "expires"}
    assert {k: v for k, v in head.headers.items() if k not in varying} == {
        k: v for k, v in got.headers.items() if k not in varying
    }


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.csv", 'attachment; filename="a.csv"'),
        ("my data.csv", 'attachment; filename="my data.csv"'),
        ("ü.csv", "attachment; filename=\"_.csv\"; filename*=UTF-8''%C3%BC.csv"),
        ('a"b.csv', 'attachment; filename="a_b.csv"'),
        ("../../etc/passwd", 'attachment; filename=".._.._etc_passwd"'),
        ("a\r\nset-cookie: x=y", 'attachment; filename="a__set-cookie: x=y"'),
        ("", 'attachment; filename="data"'),
        ("x" * 500, f'attachment; filename="{"x" * 200}"'),
    ],
)
def test_a_file_name_is_made_safe(caller, name, header) -> None:
    response = caller.get("array/full/a", params={"format": "csv", "filename": name})
    assert response.headers["content-disposition"] == header
    assert "x" not in response.cookies


def test_a_format_cannot_write_headers(caller) -> None:
    response = caller.get("array/full/a", params={"format": "text/csv;a=b\r\nset-cookie: x=y"})
    assert response.status_code == 406
    assert "x" not in response.cookies
