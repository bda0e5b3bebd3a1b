"""Pages and documents beside the API: health, OpenAPI, a first page for people."""

from __future__ import annotations

from html import escape

from tiledkernel import __version__
from tiledkernel.access.scopes import NO_SCOPES
from tiledkernel.records import Route
from tiledkernel.server.answers import Document
from tiledkernel.server.openapi import openapi_document
from tiledkernel.server.reference_page import PAGE_POLICY, reference_page
from tiledkernel.server.request import Request
from tiledkernel.wire import encode_json


def health(request: Request) -> Document:
    """Whether the server answers."""
    del request
    return Document(media_type="application/json", body=b'{"status":"ready"}')


def openapi(request: Request) -> Document:
    """The OpenAPI description of every route."""
    return Document(media_type="application/json", body=encode_json(_openapi(request)))


def docs(request: Request) -> Document:
    """Every route on one page, with a form to try it."""
    page = reference_page(_openapi(request))
    return Document(media_type="text/html; charset=utf-8", body=page.encode(), headers=(PAGE_POLICY,))


def landing(request: Request) -> Document:
    """The first page: where to go from here."""
    base = escape(request.base)
    root = base.removesuffix("/api/v1")
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>tiledkernel</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }}
pre {{ background: #f3f3f3; padding: 1rem; overflow-x: auto }}</style></head>
<body><h1>tiledkernel {escape(__version__)}</h1>
<p>This server holds scientific data and hands out the slice that you ask for, in the format that you ask for.</p>
<p>From Python:</p>
<pre>from tiledkernel.client import from_uri

client = from_uri("{root}")</pre>
<ul>
<li><a href="{root}/docs">Every route of the HTTP API</a>, with forms to try them</li>
<li><a href="{base}/search/">The entries at the top</a>, as JSON</li>
<li><a href="{base}/">What this server can do</a>, as JSON</li>
</ul></body></html>
"""
    return Document(media_type="text/html; charset=utf-8", body=page.encode(), headers=(PAGE_POLICY,))


def _openapi(request: Request) -> dict[str, object]:
    return openapi_document(request.service.openapi_paths, request.base.removesuffix("/api/v1"))


ROUTES = (
    Route(path="/", handler=landing, scopes=NO_SCOPES),
    Route(path="/healthz", handler=health, scopes=NO_SCOPES),
    Route(path="/openapi.json", handler=openapi, scopes=NO_SCOPES),
    Route(path="/docs", handler=docs, scopes=NO_SCOPES),
)
