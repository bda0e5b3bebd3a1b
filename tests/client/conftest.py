"""Clients of real applications in this process, and of small ones that misbehave on purpose."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stamina
import uvicorn

from tiledkernel.client import Context
from tiledkernel.composition import Composition
from tiledkernel.server import Settings, build_app

from .faces import AsynchronousFace, WaitingFace
from .scripted import Scripted


@pytest.fixture
def scripted() -> Iterator[Callable[..., tuple[Context, Scripted]]]:
    """A connection to a `Scripted` application."""
    contexts = []

    def make(*answers: Any, **settings: Any) -> tuple[Context, Scripted]:
        app = Scripted(*answers)
        contexts.append(Context.from_app(app, **settings))
        return contexts[-1], app

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(params=[WaitingFace, AsynchronousFace], ids=["waiting", "asynchronous"])
def client_of(request: pytest.FixtureRequest, kernel: Composition) -> Iterator[Callable[..., Any]]:
    """The client of a tree that our own server serves: `client_of(tree)`; of both kinds, one after the other."""
    yield from _clients(request.param(), kernel)


@pytest.fixture
def waiting_client_of(kernel: Composition) -> Iterator[Callable[..., Any]]:
    """The same, only of the kind that waits."""
    yield from _clients(WaitingFace(), kernel)


def _clients(face: Any, kernel: Composition) -> Iterator[Callable[..., Any]]:
    def make(tree: Any, **settings: Any) -> Any:
        chosen = Settings(**{"allow_anonymous_access": True} | settings)
        return face.connect(build_app(tree, settings=chosen, composition=kernel))

    yield make
    face.close()


@pytest.fixture
def impatient() -> Iterator[None]:
    """Three attempts, without waiting."""
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
def listen() -> Iterator[Callable[[Any], str]]:
    """Serve an application on loopback, in a thread: `listen(app)` is its URI."""
    servers = []

    def make(app: Any) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="auto"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        servers.append((server, thread, listener))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield make
    for server, thread, listener in servers:
        server.should_exit = True
        thread.join(10)
        listener.close()
