"""Large bodies go from the socket into the memory of the result, also over connections that break."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tiledkernel.client import Context, straight
from tiledkernel.client.calls import Call
from tiledkernel.client.sinks import Filling

from .scripted import ABOUT, encode_json

DATA = np.random.default_rng(3).integers(0, 256, 3 << 20, np.uint8)


class Raw:
    """A server that says, on each connection after the first, what the test has told it to, byte for byte."""

    def __init__(self, *answers: bytes) -> None:
        about = encode_json(ABOUT)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self._answers = [head % len(about) + about, *answers]
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for answer in self._answers:
            connection, _ = self._socket.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

    def close(self) -> None:
        self._thread.join()
        self._socket.close()


@pytest.fixture
def ask() -> Iterator[Any]:
    servers = []

    def fill(*answers: bytes, size: int = DATA.nbytes) -> np.ndarray:
        servers.append(Raw(*answers))
        result = np.zeros(size, np.uint8)
        with Context(servers[-1].url) as context:
            context.data(Call(url=f"{servers[-1].url}/api/v1/x"), lambda _: Filling([result.data]), size=size)
        return result

    yield fill
    for server in servers:
        server.close()


def answer(body: bytes, length: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(body) if length is None else length) + body


@pytest.fixture
def straight_calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []
    real = straight.receive_straight

    def counting(*arguments: Any) -> None:
        calls.append(1)
        real(*arguments)

    monkeypatch.setattr("tiledkernel.client.context.receive_straight", counting)
    return calls


def test_a_large_body_arrives_without_the_parser(ask: Any, straight_calls: list[int]) -> None:
    assert (ask(answer(DATA.tobytes())) == DATA).all()
    assert straight_calls == [1]


def test_a_small_body_goes_through_the_parser(ask: Any, straight_calls: list[int]) -> None:
    assert (ask(answer(DATA[:1000].tobytes()), size=1000) == DATA[:1000]).all()
    assert not straight_calls


def test_a_body_in_chunks_goes_through_the_parser(ask: Any, straight_calls: list[int]) -> None:
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (DATA.nbytes, DATA.tobytes())
    assert (ask(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks) == DATA).all()
    assert not straight_calls


def test_a_body_that_breaks_off_is_asked_for_again(ask: Any, impatient: None, straight_calls: list[int]) -> None:
    broken = answer(DATA[: 2 << 20].tobytes(), DATA.nbytes)
    assert (ask(broken, answer(DATA.tobytes())) == DATA).all()
    assert straight_calls == [1, 1]


@pytest.mark.parametrize("size", [DATA.nbytes - 5, DATA.nbytes + 5])
def test_a_body_of_another_length_is_refused_and_not_waited_for(ask: Any, size: int, straight_calls: list[int]) -> None:
    with pytest.raises(ValueError, match="than the data that were asked for"):
        ask(answer(DATA.tobytes()), size=size)
    assert not straight_calls


def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(listening.getsockname(), timeout=0.05)
    far, _ = listening.accept()
    with listening, near, far, pytest.raises(httpx.ReadTimeout):
        straight.receive_straight(
            near, iter([memoryview(bytearray(4))]), httpx.Request("GET", "http://x"), lambda: None
        )
