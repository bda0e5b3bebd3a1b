"""Real applications, asked in this process without a socket between, or served on one."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn

from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app
from tiledkernel.server.app import Application

KEY = "secret"


class Caller:
    """Asks one application, as whoever its headers say; cookies are kept as a browser keeps them."""

    def __init__(self, app: Application, **headers: str) -> None:
        self.app = app
        self._loop = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://data.example",
            headers={"accept-encoding": "identity"} | {name.replace("_", "-"): text for name, text in headers.items()},
        )

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The response; paths without a slash in front are below the API."""
        url = path if path.startswith("/") else f"/api/v1/{path}"
        return self._loop.run(self._client.request(method, url, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET, whatever comes back."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST, whatever comes back."""
        return self.request("POST", path, **options)

    def json(self, path: str, **options: Any) -> Any:
        """The document at `path`, which must be there."""
        response = self.get(path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def array(self, path: str, shape: tuple[int, ...], dtype: Any, **options: Any) -> Any:
        """The elements at `path` as an array."""
        response = self.get(path, **options)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/octet-stream"
        return np.frombuffer(response.content, dtype).reshape(shape)

    def raw(
        self,
        path: str,
        query: bytes = b"",
        *,
        method: str = "GET",
        body: bytes = b"",
        scheme: str = "http",
        **headers: str,
    ) -> Any:
        """The ASGI messages for a request that no polite client would send."""
        call = asgi_call(self.app, path, query, headers, method=method, body=body, scheme=scheme)
        return self._loop.run(call)

    @property
    def cookies(self) -> httpx.Cookies:
        """What the application has set."""
        return self._client.cookies

    def close(self) -> None:
        """Let go of threads and the event loop."""
        self.app.state.service.close()
        self._loop.run(self._client.aclose())
        self._loop.close()


async def asgi_call(
    app: Application,
    path: str,
    query: bytes,
    headers: dict[str, str],
    *,
    method: str,
    body: bytes,
    scheme: str = "http",
) -> list[dict[str, Any]]:
    """What the application sends for one request; the client stays until it has everything."""
    sent: list[dict[str, Any]] = []
    complete = asyncio.Event()
    incoming = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in incoming:
            return message
        await complete.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            complete.set()

    given = {"host": "data.example"} | {name.replace("_", "-"): text for name, text in headers.items()}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "query_string": query,
        "root_path": "",
        "headers": [(name.encode(), text.encode("latin-1")) for name, text in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    return sent


@pytest.fixture(scope="session")
def kernel() -> Composition:
    """The kernel alone: nothing that happens to be installed takes part."""
    return Composition(discover(third_party=False))


def connector(kernel: Composition) -> Iterator[Callable[..., Caller]]:
    """What `connect` is, for as long as the fixture lives."""
    callers: list[Caller] = []

    def make(
        tree: Any,
        *,
        public: bool = True,
        composition: Composition | None = None,
        headers: dict[str, str] | None = None,
        **settings: Any,
    ) -> Caller:
        chosen = Settings(**{"allow_anonymous_access": public, "single_user_api_key": KEY} | settings)
        caller = Caller(build_app(tree, settings=chosen, composition=composition or kernel), **(headers or {}))
        callers.append(caller)
        return caller

    yield make
    for caller in callers:
        caller.close()


@pytest.fixture
def connect(kernel: Composition) -> Iterator[Callable[..., Caller]]:
    """Serve a tree and call it: `connect(tree, public=False, **settings)`; public unless told otherwise."""
    yield from connector(kernel)


@pytest.fixture(scope="module")
def connect_once(kernel: Composition) -> Iterator[Callable[..., Caller]]:
    """The same, for what all tests of a module may share because they change nothing."""
    yield from connector(kernel)


@pytest.fixture
def listen() -> Iterator[Callable[[Any], str]]:
    """Serve an application on loopback, in a thread: `listen(app)` is its URI."""
    servers = []

    def make(app: Any) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="auto"))
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
