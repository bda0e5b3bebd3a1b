"""A server with a toy plugin, folders of real files, and real sockets."""

from __future__ import annotations

import importlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import uvicorn

from tiledkernel.composition import Composition
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.nodes.directory import DirectoryOptions
from tiledkernel.plugins import discover
from tiledkernel.trees import build_directory

LIMIT = 2.0  # seconds that any single hostile request may take; most take milliseconds


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


@pytest.fixture(scope="module")
def hostile_caller(connect_once) -> Any:
    """A server with a node of each kind, whose metadata offer something to every bomb."""
    metadata = {"color": "red", "text": "a" * 5000 + "!", "list": list(range(200)), "deep": {"a": {"b": {"c": 1}}}}
    tree = {f"n{number}": MemoryArray(np.zeros(3), metadata=metadata) for number in range(50)}
    return connect_once(
        {"a": MemoryArray(np.zeros((3, 4)), metadata=metadata), "t": pd.DataFrame({"A": [1]}), "c": tree}
    )


@pytest.fixture
def ask(hostile_caller) -> Callable[..., tuple[int, Any]]:
    """Status and detail of an answer, which must come in time and have the form of all errors."""

    def ask_it(path: str, query: bytes = b"", **options: Any) -> tuple[int, Any]:
        started = time.perf_counter()
        messages = hostile_caller.raw(path, query, **options)
        assert time.perf_counter() - started < LIMIT
        status = messages[0]["status"]
        headers = dict(messages[0]["headers"])
        body = b"".join(message.get("body", b"") for message in messages[1:])
        if status < 400:
            return status, None
        assert status < 500, body
        assert headers[b"content-type"] == b"application/json"
        assert headers[b"x-content-type-options"] == b"nosniff"
        document = json.loads(body)
        assert list(document) == ["detail"]
        assert len(body) < 20_000, "an answer repeats at most a part of what was sent"
        detail = document["detail"]
        sentence = detail if isinstance(detail, str) else detail[0]["msg"]
        assert len(sentence) > 5
        return status, detail

    return ask_it


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


def listener() -> Iterator[Callable[..., Server]]:
    """What `listen` is, for as long as the fixture lives."""
    servers: list[Server] = []

    def make(app: Any, **options: Any) -> Server:
        servers.append(Server(app, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def listen() -> Iterator[Callable[..., Server]]:
    """Put an application behind a real socket."""
    yield from listener()


@pytest.fixture(scope="module")
def listen_once() -> Iterator[Callable[..., Server]]:
    """The same, for all tests of a module."""
    yield from listener()
