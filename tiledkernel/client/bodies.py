"""Bodies of requests that lie in memory already: sent piece by piece, and not copied before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from tiledkernel.client.light_httpx import httpx

_PIECE = 256 << 10  # bytes; below HTTP, what is left of a piece is copied each time that the network has taken some


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """What a buffer holds; it can be sent again."""

    def __init__(self, content: Any) -> None:
        view = memoryview(content)
        self._view = view.cast("B") if view.nbytes else memoryview(b"")  # what is empty may have a shape

    def __len__(self) -> int:
        return self._view.nbytes

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), _PIECE):
            yield self._view[start : start + _PIECE]

    async def __aiter__(self) -> AsyncIterator[Any]:
        for piece in self:
            yield piece


def with_body(request: httpx.Request, content: Any) -> httpx.Request:
    """The request with what a buffer holds as its body."""
    body = Body(content)
    headers = {**request.headers, "content-length": str(len(body))}
    return httpx.Request(request.method, request.url, headers=headers, stream=body, extensions=request.extensions)
