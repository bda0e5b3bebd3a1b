"""A service that decides about access: HTTP as Open Policy Agent speaks it, with decisions written in Rego."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import regopy
from tiled_access_service.policy import ServicePolicy

RULES = Path(__file__).parents[3] / "docs" / "examples" / "access.rego"
DATA = "/v1/data/"
ENDPOINTS = {
    "scopes_endpoint": "tiled/scopes",
    "allowed_tags_endpoint": "tiled/allowed_tags",
    "create_node_endpoint": "tiled/create_node",
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A connection that is cut off when the service stops is no error."""


class PolicyService:
    """Answers `POST /v1/data/<package>/<rule>` by `rules`; `asked` are the paths and inputs of all questions.

    `answer`, if it is set, is sent instead: status, body and the seconds until it is sent.
    """

    def __init__(self) -> None:
        self.rules = RULES.read_text(encoding="utf-8")
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.answer: tuple[int, bytes, float] | None = None
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._compiled = "", regopy.Interpreter()
        self.port = 0
        self.start()

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), self._handler())
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{DATA}"

    def result(self, rule: str, question: dict[str, Any]) -> dict[str, Any]:
        """What Open Policy Agent answers; nothing for a rule that is not defined."""
        with self._lock:
            if self._compiled[0] != self.rules:
                self._compiled = self.rules, regopy.Interpreter()
                self._compiled[1].add_module("rules", self.rules)
            self._compiled[1].set_input(question)
            found = str(self._compiled[1].query(f"found = data.{rule}"))
        return {} if found == "undefined" else {"result": json.loads(found)["bindings"]["found"]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                service.connections += 1
                service._sockets.append(self.connection)

            def do_POST(self) -> None:
                question = json.loads(self.rfile.read(int(self.headers["content-length"])))["input"]
                service.asked.append((self.path, question))
                service.headers.append({name.lower(): value for name, value in self.headers.items()})
                if service.answer is None:
                    rule = self.path.removeprefix(DATA).replace("/", ".")
                    status, body, delay = 200, json.dumps(service.result(rule, question)).encode(), 0.0
                else:
                    status, body, delay = service.answer
                time.sleep(delay)
                try:
                    self.send_response(status)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # whoever asked did not wait

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def service() -> Iterator[PolicyService]:
    service = PolicyService()
    yield service
    service.stop()


@pytest.fixture
def make_policy(service: PolicyService) -> Iterator[Callable[..., ServicePolicy]]:
    """`make_policy(cache_seconds=0)`: a policy that asks the service; of a class of its own with `kind`."""
    made: list[ServicePolicy] = []

    def make(kind: type[ServicePolicy] = ServicePolicy, **options: Any) -> ServicePolicy:
        made.append(kind(authorization_provider=service.url, **{**ENDPOINTS, "cache_seconds": 0, **options}))
        return made[-1]

    yield make
    for policy in made:
        policy.close()


@pytest.fixture
def policy(make_policy: Callable[..., ServicePolicy]) -> ServicePolicy:
    return make_policy()
