"""A table of routes as an ASGI application: from bytes in to bytes out."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from litestar.types import Receive, Scope, Send

from tiledkernel.errors import KernelError
from tiledkernel.server.exchange import Exchange
from tiledkernel.server.links import base_url
from tiledkernel.server.problems import problem
from tiledkernel.server.request import Request
from tiledkernel.server.resolve import Entry
from tiledkernel.server.responses import PIECE, Response
from tiledkernel.server.routing import RouteTable, guarded
from tiledkernel.server.service import Service

logger = logging.getLogger(__name__)


class TableApplication:
    """Answers requests for the routes of one table."""

    def __init__(self, table: RouteTable, service: Service) -> None:
        self._table = table
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application that is mounted: `scope["path"]` is what follows the mount."""
        await self.answer(scope, scope["path"], receive, send)

    async def answer(self, scope: Any, path: str, receive: Any, send: Any) -> None:
        """Answer for `path`, which follows the prefix of the table."""
        service = self._service
        exchange: Exchange = scope["exchange"]
        method = scope["method"]
        try:
            endpoint, segments = self._table.find(method, path)
            response, entry = await endpoint.answer(Request(service, scope, exchange, segments), receive)
        except Exception as error:  # noqa: BLE001 - the one place where anything becomes a response
            status, headers, body = problem(error, base_url(scope, exchange, service.settings))
            headers.append((b"content-type", b"application/json"))
            await _send_body(send, Response(status, [*headers, (b"content-length", b"%d" % len(body))], body), method)
            if not isinstance(error, KernelError):
                exchange.failure = error
            return
        if response.chunks is None or method == "HEAD":
            await _send_body(send, response, method)
        else:
            await _send_chunks(send, receive, response, service, entry)


async def _send_body(send: Any, response: Response, method: str) -> None:
    """Send a complete body; a large one in pieces, so that the socket's back-pressure is felt."""
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
    body = response.body
    size = body.nbytes if isinstance(body, memoryview) else len(body)
    if method == "HEAD" or size <= PIECE:
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
        return
    view = memoryview(body).cast("B")
    for start in range(0, size, PIECE):
        piece = view[start : start + PIECE]
        await send({"type": "http.response.body", "body": piece, "more_body": start + PIECE < size})


async def _send_chunks(send: Any, receive: Any, response: Response, service: Service, entry: Entry | None) -> None:
    """Send a streamed body; stops reading when the client leaves."""
    chunks = response.chunks
    assert chunks is not None
    first = await service.threads.run(guarded, chunks, entry)
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
    gone = asyncio.ensure_future(_left(receive))
    chunk = first
    try:
        while chunk is not None and not gone.done():
            reading = service.threads.run(guarded, chunks, entry)
            view = memoryview(chunk).cast("B")
            for start in range(0, view.nbytes, PIECE):
                await send({"type": "http.response.body", "body": view[start : start + PIECE], "more_body": True})
            chunk = await reading
        if not gone.done():
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        gone.cancel()


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
