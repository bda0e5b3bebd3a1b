"""One attempt to get an answer, without I/O: what to send, and what to make of what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiledkernel.client.errors import error_of
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.plans import Ask
from tiledkernel.client.sinks import Collected, Decoding, Filling


class Exchange:
    """A request, and whoever takes in the body of its answer.

    The face that runs it sends `request`, hands the head of the response to `begin`, then the body as it comes to
    `receive`, and takes the `result` of `finish`. What goes wrong on the way is told with `abandon`.
    """

    def __init__(self, ask: Ask, request: httpx.Request) -> None:
        self._ask = ask
        self.request = request
        self._sink: Decoding | None = None

    def begin(self, response: httpx.Response) -> None:
        """Look at the head of a response; an error must have been read whole, and is raised."""
        if response.is_error:
            raise error_of(response)
        self._sink = Decoding(self._ask.receive(response.headers), response.headers.get("content-encoding", ""))

    def receive(self, piece: Any) -> None:
        """Take the next piece of the body, as it travels."""
        assert self._sink is not None
        self._sink.write(piece)

    def rest(self, length: int) -> Iterator[memoryview] | None:
        """The memory that the rest of an uncoded body of this length belongs in, if that is so simple."""
        sink = self._sink.sink if self._sink is not None else None
        if isinstance(sink, Collected):
            return sink.rest(length)
        return sink.rest() if isinstance(sink, Filling) and length == self._ask.size else None

    def finish(self) -> Any:
        """What the answer is."""
        assert self._sink is not None
        return self._sink.finish()

    def abandon(self) -> None:
        """This attempt has failed: leave nothing behind."""
        if self._sink is not None:
            self._sink.abandon()


def build_request(client: httpx.Client | httpx.AsyncClient, ask: Ask, coding: str | None) -> httpx.Request:
    """The request that a question stands for; `coding` are the content codings to offer, if not the client's own."""
    call = ask.call
    headers = dict(call.headers) if coding is None else {"accept-encoding": coding, **call.headers}
    return client.build_request(
        call.method,
        call.url,
        params=httpx.QueryParams(tuple(call.parameters)) if call.parameters else None,
        headers=headers,
        json=call.json,
    )
