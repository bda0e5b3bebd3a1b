"""Applications with the kernel and this plugin only, and clients of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tiled_awkward

from tiledkernel.client import Context, from_context
from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app


@pytest.fixture
def serve() -> Iterator[Callable[..., Any]]:
    """The client of a tree that is served in this process: `serve(tree, **settings)`."""
    contexts: list[Context] = []

    def make(tree: Any, **settings: Any) -> Any:
        composition = Composition(discover(third_party=False, extra={"awkward": tiled_awkward}))
        chosen = Settings(**{"allow_anonymous_access": True} | settings)
        app = build_app(tree, settings=chosen, composition=composition)
        contexts.append(Context.from_app(app, raise_server_exceptions=False))
        return from_context(contexts[-1])

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def ask() -> Callable[..., Any]:
    """The response to a GET request below the API, as a program without this client sends it."""

    def get(client: Any, path: str, **options: Any) -> Any:
        headers = {"accept-encoding": "identity"} | options.pop("headers", {})
        return client.context.http_client.get(f"{client.context.api_uri}{path}", headers=headers, **options)

    return get
