"""The same over real connections."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.server import Settings, build_app

PUBLIC = Settings(allow_anonymous_access=True)


class Slow(MemoryArray):
    """Many rows, of which each takes a moment, and of which one may fail."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        super().__init__(np.broadcast_to(np.zeros(1 << 20, "u1"), (100, 1 << 20)), chunks=(4, 1 << 20))
        self.in_memory = False
        self.reads = 0
        self.fails_at = fails_at

    def read(self, cut: Any) -> Any:
        self.reads += 1
        if self.reads == self.fails_at:
            raise OSError("the disk is gone")
        return super().read(cut)


class Failing(MemoryArray):
    """An array that cannot be read."""

    def read(self, cut: Any) -> Any:
        raise OSError("the disk is gone")


@pytest.fixture(scope="module")
def live() -> dict[str, Any]:
    """What is served, which a test may add to."""
    return {
        "a": MemoryArray(np.arange(10)),
        "large": MemoryArray(np.arange(5_000_000)),
        "failing": Failing([1]),
        "strided": np.asfortranarray(np.arange(4_000_000.0).reshape(2000, 2000)),
        "t": pd.DataFrame({"A": [1]}),
    }


@pytest.fixture(scope="module")
def server(listen_once, live):
    return listen_once(build_app(live, settings=PUBLIC))


@pytest.fixture
def slow(live) -> Slow:
    live["slow"] = Slow()
    return live["slow"]


def test_a_connection_survives_failures_and_mistakes(server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.connect()
    mine = connection.sock
    for path, status in (
        ("array/full/failing", 500),
        ("array/full/a", 200),
        ("metadata/nope", 404),
        ("array/full/a?slice=99", 400),
        ("array/full/a", 200),
    ):
        connection.request("GET", f"/api/v1/{path}")
        response = connection.getresponse()
        response.read()
        assert response.status == status
        assert connection.sock is mine, "the server closed the connection"
    connection.close()


def test_a_server_that_fails_says_so_and_goes_on(listen, monkeypatch) -> None:
    app = build_app({"a": 1}, settings=PUBLIC)
    accounts = app.state.service.accounts
    server = listen(app)
    with httpx.Client(base_url=server.url) as client:
        with monkeypatch.context() as patch:
            patch.setattr(accounts, "recognise", lambda credentials: 1 / 0)
            failed = client.get("/api/v1/metadata/a")
        assert (failed.status_code, failed.json()) == (500, {"detail": "Internal server error"})
        assert failed.headers["x-tiled-request-id"]
        assert "connection" not in failed.headers
        assert client.get("/api/v1/metadata/a").status_code == 200


def test_head_sends_headers_only(server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for path, length in (
        ("/api/v1/array/full/a", "80"),
        ("/api/v1/array/full/large", "40000000"),
        ("/healthz", "18"),
        ("/api/v1/nope", "22"),
    ):
        connection.request("HEAD", path)
        response = connection.getresponse()
        assert (response.read(), response.headers["content-length"]) == (b"", length)
    connection.close()


@pytest.mark.parametrize("path", ["large", "strided"])
@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_large_arrays_arrive_whole(server, path, coding) -> None:
    expected = np.arange(5_000_000) if path == "large" else np.arange(4_000_000.0)
    response = httpx.get(f"{server.url}/api/v1/array/full/{path}", headers={"accept-encoding": coding}, timeout=30)
    assert response.status_code == 200
    assert response.headers.get("content-encoding", "identity") == coding
    np.testing.assert_array_equal(np.frombuffer(response.content, expected.dtype), expected)


def test_a_client_that_does_not_read_stops_the_reading(server, slow) -> None:
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.sendall(b"GET /api/v1/array/full/slow HTTP/1.1\r\nhost: x\r\n\r\n")
        connection.recv(1000)
        time.sleep(0.5)
        stopped_at = slow.reads
        assert stopped_at < 12, "back-pressure is not felt"
        time.sleep(0.2)
        assert slow.reads == stopped_at
        assert httpx.get(f"{server.url}/api/v1/array/full/a").status_code == 200


def test_a_client_that_leaves_is_forgotten(server, slow) -> None:
    connection = server.connect()
    connection.sendall(b"GET /api/v1/array/full/slow HTTP/1.1\r\nhost: x\r\n\r\n")
    connection.recv(100_000)
    connection.close()
    time.sleep(0.3)
    reads = slow.reads
    time.sleep(0.2)
    assert slow.reads == reads < 25
    assert httpx.get(f"{server.url}/api/v1/array/full/a").status_code == 200


@pytest.mark.parametrize("coding", ["identity", "zstd"])
def test_a_stream_that_fails_is_never_taken_for_whole(server, live, coding) -> None:
    live["late"] = Slow(fails_at=3)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{server.url}/api/v1/array/full/late", headers={"accept-encoding": coding})
    assert httpx.get(f"{server.url}/api/v1/array/full/a").status_code == 200


def test_many_requests_on_many_connections_get_their_own_answers(server) -> None:
    wrong: list[Any] = []

    def work(number: int) -> None:
        with httpx.Client(base_url=server.url) as client:
            for step in range(15):
                found = client.get(f"/api/v1/array/full/a?slice={(number + step) % 10}&format=json").json()
                if found != (number + step) % 10:
                    wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_requests_in_a_row_are_answered_in_their_order(server) -> None:
    request = b"GET /api/v1/array/full/a?slice=%d&format=json HTTP/1.1\r\nhost: x\r\n%s\r\n"
    with server.connect() as connection:
        connection.sendall(b"".join(request % (n, b"connection: close\r\n" if n == 9 else b"") for n in range(10)))
        received = b""
        while data := connection.recv(65536):
            received += data
    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert bodies == [str(n).encode() for n in range(10)]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/api/v1/metadata/%00", b"422"),
        (b"/api/v1/metadata/%FF", b"404"),
        (b"/api/v1/metadata/%ED%A0%80", b"404"),
        (b"/api/v1/metadata/a%2Fb", b"404"),
        (b"/api/v1/metadata//a//", b"200"),
        (b"/api/v1/array/full/a?slice=%FF", b"422"),
        (b"/api/v1/array/full/a?slice=%00", b"422"),
        (b"/api/v1/metadata/" + b"x" * 30_000, b"404"),
        (b"/api/v1/metadata/" + b"a/" * 10_000, b"404"),
        (b"/api/v1/search/?page[limit]=" + b"9" * 20_000, b"422"),
        (b"/api/v1/metadata/../../../etc/passwd", b"404"),
        (b"/%2e%2e/%2e%2e/etc/passwd", b"404"),
        (b"/api/v1/array/full/a?format=text/csv;x=%0d%0aa:b", b"406"),
        (b"/api/v1/array/full/a?filename=%0d%0aset-cookie:%20a=b&format=csv", b"200"),
        (b"http://evil.example/api/v1/metadata/a", b"200"),
        (b"/api/v1/metadata/\xe9", b"4"),
    ],
)
def test_strange_targets_on_the_wire(server, target, status) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nhost: data.example\r\nconnection: close\r\n\r\n")
        received = b""
        while data := connection.recv(65536):
            received += data
    head = received.partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"\r\na:b" not in head
    assert b"\r\nset-cookie: a=b" not in head.lower()
    assert httpx.get(f"{server.url}/healthz").status_code == 200


@pytest.mark.parametrize("http_implementation", ["h11", "httptools"])
def test_both_implementations_of_http_serve_every_kind_of_body(listen, http_implementation) -> None:
    array = np.arange(3_000_000)
    app = build_app(
        {"a": MemoryArray(array), "f": np.asfortranarray(array.reshape(1000, 3000)), "e": np.zeros((0, 3))},
        settings=PUBLIC,
    )
    server = listen(app, http=http_implementation)
    with httpx.Client(base_url=server.url, timeout=30) as client:
        for path, expected in (
            ("a", array.tobytes()),
            ("f", array.tobytes()),
            ("e", b""),
            ("a?slice=:3", array[:3].tobytes()),
            ("a?slice=:3&format=csv", b"0\n1\n2\n"),
        ):
            for coding in ("identity", "gzip"):
                assert client.get(f"/api/v1/array/full/{path}", headers={"accept-encoding": coding}).content == expected
        assert client.get("/api/v1/search/").json()["meta"]["count"] == 3


def test_a_body_that_is_too_long_is_refused_while_it_arrives(server) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /api/v1/table/full/t HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000000\r\n\r\n" + b" " * (3 << 20)
        )
        received = connection.recv(65536)
    assert received.startswith(b"HTTP/1.1 400")
    assert b"too long" in received
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_a_client_that_leaves_before_its_body_hurts_nobody(server) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /api/v1/table/full/t HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n[")
    time.sleep(0.05)
    assert httpx.post(f"{server.url}/api/v1/table/full/t", json=["A"]).status_code == 200


def test_a_prefix_given_to_the_server_is_part_of_the_links(listen) -> None:
    server = listen(build_app({"a": np.zeros(3)}, settings=PUBLIC), root_path="/proxied")
    document = httpx.get(f"{server.url}/api/v1/metadata/a").json()
    assert document["data"]["links"]["self"] == f"{server.url}/proxied/api/v1/metadata/a"
