"""Applications with everything that is installed, asked as a program without our client asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app


class Caller:
    """Asks one application, in this process."""

    def __init__(self, tree: Any, composition: Composition, **settings: Any) -> None:
        self.app = build_app(
            tree, settings=Settings(**{"allow_anonymous_access": True} | settings), composition=composition
        )
        self._loop = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://data.example/api/v1/",
            headers={"accept-encoding": "identity"},
        )

    def get(self, path: str, **options: Any) -> httpx.Response:
        """The response to a GET request below the API."""
        return self._loop.run(self._client.get(path, **options))

    def body(self, path: str, **options: Any) -> bytes:
        """What is at a path, which must be there."""
        response = self.get(path, **options)
        assert response.status_code == 200, response.text
        return response.content

    def call(self, application: Any) -> Any:
        """Run a coroutine."""
        return self._loop.run(application)

    def close(self) -> None:
        """Let go of threads and the event loop."""
        self.app.state.service.close()
        self._loop.run(self._client.aclose())
        self._loop.close()


@pytest.fixture(scope="session")
def installed() -> Composition:
    """Every plugin of the workspace."""
    return Composition(discover())


def server(installed: Composition) -> Iterator[Callable[..., Caller]]:
    """What `serve` is, for as long as the fixture lives."""
    callers: list[Caller] = []

    def make(tree: Any, **settings: Any) -> Caller:
        callers.append(Caller(tree, installed, **settings))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()


@pytest.fixture
def serve(installed: Composition) -> Iterator[Callable[..., Caller]]:
    """Serve a tree and call it: `serve(tree, **settings)`."""
    yield from server(installed)


@pytest.fixture(scope="module")
def serve_once(installed: Composition) -> Iterator[Callable[..., Caller]]:
    """The same, for what all tests of a module may share because they change nothing."""
    yield from server(installed)
