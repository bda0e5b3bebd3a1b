"""Ask a server for one thing again and again, over connections that stay open.

Runs as a process of its own, so that what it costs is not counted for the server. It is given on the command line as
JSON what to ask, and prints as JSON what it got:

    python load.py '{"port": 8000, "path": "/", "headers": {}, "seconds": 1, "connections": 4, "count": 10000}'
"""

from __future__ import annotations

import json
import socket
import sys
import time

HOST = "127.0.0.1"
PIECE = 1 << 20
PATIENCE = 120  # seconds for an answer


class Connection:
    """A kept-alive connection."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        lines = [f"Host: {HOST}:{port}", *(f"{name}: {value}" for name, value in headers.items())]
        self._rest = "\r\n".join(["", *lines, "", ""])
        self._socket = socket.create_connection((HOST, port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = memoryview(bytearray(PIECE))

    def ask(self, path: str) -> None:
        self._socket.sendall(f"GET {path} HTTP/1.1{self._rest}".encode())

    def receive(self) -> int:
        """Bytes of the body of one answer; RuntimeError unless it is a 200 of known length."""
        filled = 0
        while (end := bytes(self._buffer[:filled]).find(b"\r\n\r\n")) < 0:
            filled += self._more(self._buffer[filled:])
        head = bytes(self._buffer[:end]).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"the server answers {bytes(self._buffer[:filled])[:500]!r}")
        if b"\r\ncontent-length:" not in head:
            raise RuntimeError(f"an answer without Content-Length cannot be measured: {head!r}")
        length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        missing = length - (filled - end - 4)
        while missing > 0:
            missing -= self._more(self._buffer[: min(PIECE, missing)])
        return length

    def _more(self, space: memoryview) -> int:
        got = self._socket.recv_into(space)
        if not got:
            raise RuntimeError("the server closed the connection in the middle of an answer")
        return got

    def close(self) -> None:
        self._socket.close()


def load(  # noqa: PLR0913 - the fields of the order on the command line
    *, port: int, path: str, headers: dict[str, str], seconds: float, connections: int, count: int
) -> dict[str, float]:
    """Ask over all connections at once, then collect the answers, until the time or the count is reached."""
    opened = [Connection(port, headers) for _ in range(connections)]
    answers = size = 0
    begin = time.perf_counter()
    while answers < count and time.perf_counter() - begin < seconds:
        for connection in opened:
            connection.ask(path)
        size = sum(connection.receive() for connection in opened) // connections
        answers += connections
    spent = time.perf_counter() - begin
    for connection in opened:
        connection.close()
    return {"answers": answers, "seconds": spent, "bytes": size}


if __name__ == "__main__":
    print(json.dumps(load(**json.loads(sys.argv[1]))))
