"""Send 256 MiB over a plain socket to everyone who asks: the fastest that loopback can be.

python source.py PORT
"""

from __future__ import annotations

import socket
import sys

HOST = "127.0.0.1"
SIZE = 256 << 20


def serve(port: int) -> None:
    body = memoryview(b"\1" * SIZE)
    with socket.create_server((HOST, port)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                request = connection.recv(65536)
                ready = request.startswith(b"GET /healthz ")
                content = body[:2] if ready else body
                connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode())
                connection.sendall(content)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
