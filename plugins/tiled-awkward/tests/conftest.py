"""Applications with the kernel and this plugin only, and clients of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiled_awkward
import tiled_sql_catalog

from tiledkernel.client import Context, from_context
from tiledkernel.composition import Composition
from tiledkernel.nodes.storing import Location, parse_location
from tiledkernel.plugins import discover
from tiledkernel.server import build_app
from tiledkernel.testing import Serving, serving


@pytest.fixture
def serve() -> Iterator[Serving]:
    """The client of a tree that is served in this process: `serve(tree, **settings)`."""
    with Serving(awkward=tiled_awkward) as serve:
        yield serve


@pytest.fixture
def ask() -> Callable[..., Any]:
    """The response to a GET request below the API, as a program without this client sends it."""
    return serving.ask


@pytest.fixture
def location(tmp_path: Path) -> Location:
    """An empty place for uploads."""
    return parse_location(str(tmp_path / "data"))


@pytest.fixture
def catalog_app(location: Location) -> Iterator[Any]:
    """An empty catalog that keeps uploads, as an application."""
    plugins = discover(third_party=False, extra={"awkward": tiled_awkward, "catalog": tiled_sql_catalog})
    composition = Composition(plugins)
    tree = tiled_sql_catalog.in_memory(writable_storage=[str(location.folder)], composition=composition)
    yield build_app(tree, composition=composition)
    tree.close()


@pytest.fixture
def catalog(catalog_app: Any) -> Iterator[Any]:
    """The client of that."""
    context = Context.from_app(catalog_app, raise_server_exceptions=False)
    yield from_context(context)
    context.close()


@pytest.fixture
def send(catalog: Any) -> Callable[..., Any]:
    """The response to a request with data: `send("PUT", "awkward/full/a", body, "application/zip")`."""

    def send(method: str, path: str, body: Any, media_type: str = "application/zip", **headers: str) -> Any:
        context = catalog.context
        headers = {"content-type": media_type} | headers
        return context.http_client.request(method, f"{context.api_uri}{path}", content=bytes(body), headers=headers)

    return send
