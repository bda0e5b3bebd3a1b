"""The access log says who asked for what, and never a key."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace

import pytest

from tiledkernel.access.viewer import Viewer
from tiledkernel.server.access_log import AccessLog


@pytest.fixture
def line(caplog):
    """`line(path, query, viewer)`: what is logged for a request."""

    def log(path="/api/v1/", query=b"", viewer=None, status=200):
        async def app(scope, receive, send):
            scope["exchange"] = SimpleNamespace(viewer=viewer) if viewer else SimpleNamespace()
            await send({"type": "http.response.start", "status": status, "headers": [(b"x-tiled-request-id", b"id1")]})
            await send({"type": "http.response.body", "body": b""})

        async def send(message):
            sent.append(message["type"])

        sent: list[str] = []
        scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "http_version": "1.1"}
        scope["client"] = ("10.0.0.1", 5)
        caplog.set_level(logging.INFO)
        asyncio.run(AccessLog(app)(scope, None, send))
        assert sent == ["http.response.start", "http.response.body"]
        (record,) = caplog.records
        return record.getMessage()

    return log


@pytest.mark.parametrize(
    ("name", "shown"), [("(singleuser)", "(singleuser)"), ("public", "public"), ("alice", "'alice'")]
)
def test_it_says_who_asked(line, name, shown):
    assert line(viewer=Viewer(name=name, scopes=frozenset())) == f'10.0.0.1:5 {shown} id1 - "GET /api/v1/ HTTP/1.1" 200'


def test_a_request_that_nobody_identified_has_no_user(line):
    assert line(status=400) == '10.0.0.1:5 - id1 - "GET /api/v1/ HTTP/1.1" 400'


def test_keys_are_not_written(line):
    text = line(query=b"slice=1&api_key=hush&API_KEY=hush")
    assert '"GET /api/v1/?slice=1&api_key=***&API_KEY=*** HTTP/1.1"' in text


def test_what_a_provider_sends_a_browser_back_with_is_hidden(line):
    text = line(query=b"code=hush&state=hush&RelayState=hush&access_token=hush&iss=provider")
    assert "hush" not in text
    assert "iss=provider" in text


def test_a_path_cannot_begin_a_new_line(line):
    assert "\n" not in line(path="/a\nINFO: all is well")


def test_what_is_no_request_passes(caplog):
    async def app(scope, receive, send):
        passed.append(scope["type"])

    passed: list[str] = []
    asyncio.run(AccessLog(app)({"type": "lifespan"}, None, None))
    assert passed == ["lifespan"]
