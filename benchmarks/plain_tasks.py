"""What the machine can do at best: bytes over plain sockets, and requests without a client of Tiled."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

import httpx
import numpy as np
from load import HOST, Connection
from tiled_tasks import Task


class Tasks:
    """Over connections to servers on loopback."""

    def __init__(self, uri: str) -> None:
        self._port = urlsplit(uri).port
        self._connection: Connection | None = None
        self._httpx = httpx.Client(base_url=uri, headers={"accept-encoding": "identity"})
        self._asked = 0

    def requests(self) -> int:
        return self._asked

    def fill(self, port: int, size: int) -> Task:
        """Bytes of a plain socket into memory that is there already, by `recv_into`."""
        target = memoryview(np.ones(size, np.uint8))
        return lambda: receive(port, target), int

    def request(self, path: str) -> Task:
        """One request over a socket that stays open."""
        connection = Connection(self._port, {})

        def ask() -> int:
            self._asked += 1
            connection.ask(path)
            return connection.receive()

        return ask, int

    def requests_in_turn(self, path: str, number: int) -> Task:
        """Many, one after the other."""
        ask, _ = self.request(path)
        return lambda: sum(ask() for _ in range(number)), int

    def by_httpx(self, path: str) -> Task:
        """One request as httpx makes it, over a connection that stays open."""
        return lambda: self._httpx.get(path).raise_for_status().content, len

    def lines(self, path: str) -> Task:
        """One request whose answer is text; its size is the number of lines."""
        connection = http.client.HTTPConnection(HOST, self._port)  # understands bodies of unknown length

        def ask() -> bytes:
            self._asked += 1
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"the server answers {response.status}: {body[:500]!r}")
            return body

        return ask, lambda body: body.count(b"\n")

    def close(self) -> None:
        self._httpx.close()


def receive(port: int, target: memoryview) -> int:
    """Fill memory with what the server at `port` sends."""
    filled = 0
    with socket.create_connection((HOST, port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        while filled < len(target):
            got = connection.recv_into(target[filled:])
            if not got:
                raise RuntimeError(f"the connection ended after {filled} bytes")
            filled += got
    return filled
