"""Links carry what the caller sees: host, scheme and prefix, behind any number of proxies."""

from __future__ import annotations

import asyncio

import httpx
import numpy as np
import pytest

from tiledkernel.server import Settings, build_app

TREE = {"a": np.arange(3), "c": {"x": 1}}


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({}, "http://data.example/api/v1"),
        ({"host": "other.example:8000"}, "http://other.example:8000/api/v1"),
        ({"host": "[::1]:8000"}, "http://[::1]:8000/api/v1"),
        ({"x-forwarded-host": "public.example"}, "http://public.example/api/v1"),
        ({"x-forwarded-host": "public.example, inner.example"}, "http://public.example/api/v1"),
        ({"x-forwarded-proto": "https"}, "https://data.example/api/v1"),
        ({"x-forwarded-proto": "HTTPS, http"}, "https://data.example/api/v1"),
        ({"x-forwarded-proto": "http"}, "http://data.example/api/v1"),
        ({"x-forwarded-proto": "javascript"}, "http://data.example/api/v1"),
        ({"x-forwarded-host": "public.example", "x-forwarded-proto": "https"}, "https://public.example/api/v1"),
        ({"x-forwarded-host": 'evil"><script>'}, "http://localhost/api/v1"),
        ({"x-forwarded-host": "a b"}, "http://localhost/api/v1"),
        ({"x-forwarded-host": "x" * 300}, "http://localhost/api/v1"),
        ({"x-forwarded-host": "evil.example/metadata/"}, "http://localhost/api/v1"),
        ({"x-forwarded-host": "user@evil.example"}, "http://localhost/api/v1"),
        ({"x-forwarded-host": "{0}"}, "http://localhost/api/v1"),
    ],
)
def test_links_begin_as_the_caller_sees_the_server(connect, headers, base) -> None:
    caller = connect(TREE)
    assert caller.json("", headers=headers)["links"]["self"] == base
    assert caller.json("metadata/a", headers=headers)["data"]["links"]["full"] == f"{base}/array/full/a"
    assert caller.json("search/c", headers=headers)["links"]["self"] == f"{base}/search/c?page[limit]=100"


@pytest.mark.parametrize("root_path", ["/data", "data", "/data/"])
def test_a_configured_prefix_is_part_of_every_link(connect, root_path) -> None:
    caller = connect(TREE, root_path=root_path)
    base = "http://data.example/data/api/v1"
    document = caller.json("")
    assert document["links"] == {"self": base, "documentation": "http://data.example/data/docs"}
    assert document["meta"]["root_path"] == "/data/api"
    assert caller.json("metadata/a")["data"]["links"]["self"] == f"{base}/metadata/a"
    assert f'action="{base}/metadata/{{path}}"' in caller.get("/docs").text
    assert caller.json("/openapi.json")["servers"] == [{"url": "http://data.example/data"}]


def test_a_configured_root_wins_over_what_headers_say(connect) -> None:
    caller = connect(TREE, root_url="https://public.example/x/")
    headers = {"x-forwarded-host": "evil.example"}
    assert (
        caller.json("metadata/a", headers=headers)["data"]["links"]["self"]
        == "https://public.example/x/api/v1/metadata/a"
    )


@pytest.mark.parametrize("path", ["/api/v1/metadata/a", "/api/v1/metadata/c/x", "/api/v1/", "/healthz", "/docs"])
def test_an_outer_application_may_mount_the_server(path) -> None:
    app = build_app(TREE, settings=Settings(allow_anonymous_access=True))

    async def mounted(scope, receive, send):
        await app({**scope, "root_path": "/outer", "path": f"/outer{scope['path']}"}, receive, send)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(mounted), base_url="http://data.example") as client:
            return await client.get(path)

    response = asyncio.run(ask())
    assert response.status_code == 200, response.text
    if path.startswith("/api/v1/metadata"):
        expected = f"http://data.example/outer{path}"
        assert response.json()["data"]["links"]["self"] == expected
    app.state.service.close()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "good.example"}, 200),
        ({"host": "good.example:8000"}, 200),
        ({"host": "GOOD.example"}, 200),
        ({"host": "[::1]:80"}, 200),
        ({"host": "evil.example"}, 400),
        ({"host": "good.example.evil.example"}, 400),
        ({"host": ""}, 400),
        ({"host": "good.example", "x-forwarded-host": "evil.example"}, 400),
        ({"host": "good.example", "x-forwarded-host": "good.example"}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/metadata/a", "/", "/nope"])
def test_only_trusted_hosts_are_answered(connect, headers, status, path) -> None:
    caller = connect(TREE, trusted_hosts=("good.example", "[::1]"))
    response = caller.get(path, headers=headers)
    assert response.status_code == (404 if path == "/nope" and status == 200 else status)
    if status == 400:
        assert response.json() == {"detail": "this server does not go by that host name"}
        assert "x-tiled-request-id" in response.headers
        assert response.headers["content-security-policy"]
