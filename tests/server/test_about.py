"""The root document, the pages beside the API, and the OpenAPI document."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser

import msgspec
import numpy as np
import pandas as pd
import pytest
from openapi_spec_validator import validate

from tiledkernel import __version__

QUERIES = [
    "fulltext",
    "lookup",
    "keys_filter",
    "regex",
    "eq",
    "noteq",
    "comparison",
    "contains",
    "in",
    "notin",
    "keypresent",
    "like",
    "specs",
    "access_tags_filter",
    "structure_family",
]
PAGES = ["/", "/docs", "/healthz", "/openapi.json"]


class Page(HTMLParser):
    """Forms, links and scripts of a page; every element closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.actions: list[str] = []
        self.fields: list[str] = []
        self.sources: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in ("meta", "input"):
            self._open.append(tag)
        self.links += [found["href"] or ""] if "href" in found else []
        self.actions += [found["action"] or ""] if tag == "form" else []
        self.fields += [found["name"] or ""] if tag == "input" and "name" in found else []
        self.sources += [found["src"] or ""] if "src" in found else []

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_the_root_document_says_what_the_server_can_do(connect) -> None:
    document = connect({"a": 1}, public=False).json("")
    assert document["api_version"] == 0
    assert document["library_version"] == f"0.2.20+tiledkernel.{__version__}"
    assert document["queries"] == QUERIES
    assert document["authentication"] == {"required": True, "providers": [], "links": None}
    assert document["links"] == {"self": "http://data.example/api/v1", "documentation": "http://data.example/docs"}
    assert document["meta"]["root_path"] == "/api"
    assert document["formats"]["bytes"] == []
    assert document["formats"]["array"][:2] == ["application/octet-stream", "application/json"]
    assert document["formats"]["table"][0] == "application/vnd.apache.arrow.file"
    assert "xls" in document["aliases"]["array"]["application/vnd.ms-excel"]
    assert document["aliases"]["array"]["application/json"] == ["json"]


def test_the_root_document_tells_whether_reading_needs_a_key(connect) -> None:
    assert connect({"a": 1}, public=True).json("")["authentication"]["required"] is False


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/"])
def test_both_spellings_of_the_root_are_served(connect, path) -> None:
    response = connect({"a": 1}).get(path)
    assert response.status_code == 200
    assert 590 < (parsedate_to_datetime(response.headers["expires"]) - datetime.now(UTC)).total_seconds() < 610


def test_every_format_that_is_listed_can_be_had(connect) -> None:
    caller = connect({"array": np.arange(6).reshape(2, 3), "table": pd.DataFrame({"A": [1]}), "container": {"x": 1}})
    formats = caller.json("")["formats"]
    for family in ("array", "table", "container"):
        for media_type in formats[family]:
            if media_type == "application/x-hdf5":
                continue
            response = caller.get(f"{family}/full/{family}", params={"format": media_type})
            assert response.status_code == 200, media_type
            assert response.headers["content-type"].partition(";")[0] == media_type


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("public", [True, False])
def test_pages_need_no_key(connect, path, public) -> None:
    assert connect({"a": 1}, public=public).get(path).status_code == 200


def test_the_server_says_that_it_is_alive(connect) -> None:
    response = connect({"a": 1}).get("/healthz")
    assert response.json() == {"status": "ready"}
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", PAGES)
def test_pages_answer_head_and_refuse_what_would_change_them(connect, path) -> None:
    caller = connect({"a": 1})
    head = caller.request("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == caller.get(path).headers["content-length"]
    refused = caller.post(path)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert refused.json() == {"detail": "Method Not Allowed"}


def test_the_openapi_document_is_valid(connect) -> None:
    validate(connect({"a": 1}).json("/openapi.json"))


def test_the_openapi_document_lists_every_route_with_its_parameters(connect) -> None:
    caller = connect({"a": 1})
    paths = caller.json("/openapi.json")["paths"]
    routes = {
        (prefix + route.path, method.lower(), route)
        for prefix, table in caller.app.state.tables.items()
        for route in table.routes
        for method in route.methods
    }
    assert {(path, method) for path, operations in paths.items() for method in operations} == {
        (p, m) for p, m, _ in routes
    }
    for path, method, route in routes:
        names = {parameter["name"] for parameter in paths[path][method]["parameters"]}
        wanted = (
            {field.encode_name for field in msgspec.structs.fields(route.parameters)} if route.parameters else set()
        )
        assert wanted <= names
        assert paths[path][method]["summary"].endswith(".")
        assert bool(paths[path][method]["security"]) == bool(route.scopes)


def test_names_of_operations_are_unique(connect) -> None:
    paths = connect({"a": 1}).json("/openapi.json")["paths"]
    names = [operation["operationId"] for operations in paths.values() for operation in operations.values()]
    assert len(set(names)) == len(names)


def test_the_reference_page_has_a_form_for_every_reading_route(connect) -> None:
    caller = connect({"a": 1})
    page = Page(caller.get("/docs").text)
    readable = [path for path, operations in caller.json("/openapi.json")["paths"].items() if "get" in operations]
    assert sorted(page.actions) == sorted("http://data.example" + path for path in readable)
    assert {"slice", "block", "page[limit]", "partition", "select_metadata"} <= set(page.fields)
    assert page.sources == []


def test_the_first_page_leads_on(connect) -> None:
    caller = connect({"a": 1})
    page = Page(caller.get("/").text)
    assert page.links == [
        "http://data.example/docs",
        "http://data.example/api/v1/search/",
        "http://data.example/api/v1/",
    ]
    for link in page.links:
        assert caller.get(link.removeprefix("http://data.example")).status_code == 200


def test_a_host_cannot_write_into_the_pages(connect) -> None:
    caller = connect({"a": 1})
    for path in ("/", "/docs"):
        text = caller.get(path, headers={"x-forwarded-host": '"><script>alert(1)</script>'}).text
        assert "<script>alert" not in text
        assert "http://localhost/" in text


def test_unchanged_pages_are_not_sent_again(connect) -> None:
    caller = connect({"a": 1})
    for path in PAGES:
        etag = caller.get(path).headers["etag"]
        assert caller.get(path, headers={"if-none-match": etag}).status_code == 304


def test_the_openapi_document_is_json_for_other_tools(connect) -> None:
    response = connect({"a": 1}).get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.content)["openapi"].startswith("3.1")
