"""A server with a toy plugin, folders of real files, and real sockets."""

from __future__ import annotations

import importlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

from tiledkernel.composition import Composition
from tiledkernel.nodes.directory import DirectoryOptions
from tiledkernel.plugins import discover
from tiledkernel.trees import build_directory


@pytest.fixture(scope="session")
def toy() -> Iterator[Any]:
    """The module of the toy plugin, importable."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    yield importlib.import_module("toy_plugin")
    sys.path.remove(folder)
    sys.modules.pop("toy_plugin", None)


@pytest.fixture(scope="session")
def composition(toy) -> Composition:
    """The kernel and the toy plugin."""
    return Composition(discover(third_party=False, extra={"toy": toy}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of each kind."""
    path = tmp_path / "served"
    path.mkdir()
    np.save(path / "a.npy", np.arange(1000))
    (path / "raw.bin").write_bytes(bytes(range(256)) * 40)
    (path / "empty.bin").write_bytes(b"")
    store = path / "store.folder"
    (store / "below").mkdir(parents=True)
    np.save(store / "x.npy", np.arange(3))
    (store / "below" / "note.txt").write_text("a note")
    return path


@pytest.fixture
def files(connect, folder, composition) -> Callable[..., Any]:
    """Serve the folder: `files(**settings)`."""

    def make(**settings: Any) -> Any:
        tree = build_directory(DirectoryOptions(path=str(folder)), composition)
        return connect(tree, composition=composition, **settings)

    return make


class Server:
    """An application behind a real socket, in a thread of its own."""

    def __init__(self, app: Any, **options: Any) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2, **options)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self.socket]})
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.005)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """A connection of a client that speaks for itself."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def stop(self) -> None:
        """As if the process got a signal."""
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive(), "the server did not stop"


@pytest.fixture
def listen() -> Iterator[Callable[..., Server]]:
    """Put an application behind a real socket."""
    servers: list[Server] = []

    def make(app: Any, **options: Any) -> Server:
        servers.append(Server(app, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()
