"""Applications with the kernel, this plugin and those whose families it bridges to, and clients of them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiled_awkward
import tiled_bridge
import tiled_sparse

from tiledkernel.client import Context, from_context
from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app

PLUGINS = {"bridge": tiled_bridge, "sparse": tiled_sparse, "awkward": tiled_awkward}


@pytest.fixture(scope="session")
def site() -> Iterator[Any]:
    """The module of a site's own adapters, which knows nothing of this project."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    yield importlib.import_module("site_adapters")
    sys.path.remove(folder)
    del sys.modules["site_adapters"]


@pytest.fixture
def composition() -> Composition:
    """The kernel and the plugins of this folder."""
    return Composition(discover(third_party=False, extra=PLUGINS))


@pytest.fixture
def serve(composition: Composition) -> Iterator[Callable[..., Any]]:
    """The client of a tree that is served in this process."""
    contexts: list[Context] = []

    def make(tree: Any) -> Any:
        app = build_app(tree, settings=Settings(allow_anonymous_access=True), composition=composition)
        contexts.append(Context.from_app(app, raise_server_exceptions=False))
        return from_context(contexts[-1])

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def ask() -> Callable[..., Any]:
    """The response to a GET request below the API, as a program without this client sends it."""

    def get(client: Any, path: str) -> Any:
        headers = {"accept-encoding": "identity"}
        return client.context.http_client.get(f"{client.context.api_uri}{path}", headers=headers)

    return get
