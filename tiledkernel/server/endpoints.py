"""A table of routes as an ASGI application: from bytes in to bytes out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import quote

from litestar.types import Receive, Scope, Send

from tiledkernel.errors import ReadFailed
from tiledkernel.server.blame import say
from tiledkernel.server.exchange import Exchange
from tiledkernel.server.links import base_url
from tiledkernel.server.problems import problem
from tiledkernel.server.request import Request
from tiledkernel.server.resolve import Entry
from tiledkernel.server.responses import PIECE, Headers, Response
from tiledkernel.server.routing import RouteTable, abandon, guarded
from tiledkernel.server.service import Service

logger = logging.getLogger(__name__)

Complete: TypeAlias = Callable[[Headers], Headers]

AHEAD = 8 << 20  # bytes; chunks up to this size are read while the one before is sent


class TableApplication:
    """Answers requests for the routes of one table."""

    def __init__(self, table: RouteTable, service: Service) -> None:
        self._table = table
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application that is mounted: `scope["path"]` is what follows the mount."""
        await self.answer(scope, scope["path"], receive, send, complete=list)

    async def answer(self, scope: Any, path: str, receive: Any, send: Any, complete: Complete) -> None:
        """Answer for `path`, which follows the prefix of the table; `complete` adds what every response carries."""
        service = self._service
        exchange: Exchange = scope["exchange"]
        method = scope["method"]
        first = None
        try:
            endpoint, segments = self._table.find(method, path)
            response, entry = await endpoint.answer(Request(service, scope, exchange, segments), receive)
            if response.chunks is not None and method != "HEAD":
                first = await service.threads.run(guarded, response.chunks, entry)
        except Exception as error:  # noqa: BLE001 - the one place where anything becomes a response
            await _send_problem(send, error, scope, service, complete)
            return
        if response.chunks is None or method == "HEAD":
            await _send_body(send, response, method, complete)
        else:
            response.headers = complete(response.headers)
            await _send_chunks(send, receive, response, service, entry, first)


async def _send_problem(send: Any, error: Exception, scope: Any, service: Service, complete: Complete) -> None:
    """Send what an error is for the caller; what was no caller's fault is kept for those in this process."""
    exchange: Exchange = scope["exchange"]
    exchange.secured = False  # what a half-made response would have brought is not sent
    status, headers, body = problem(error, base_url(scope, exchange, service.settings))
    headers += ((b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)))
    await _send_body(send, Response(status, headers, body), scope["method"], complete)
    if status >= 500:
        where = f"{exchange.request_id.decode()}, {scope['method']} {quote(scope['path'])}"
        logger.warning("request %s: %d: %s", where, status, say(error))
    if status == 500:
        cause = error.__cause__ if isinstance(error, ReadFailed) else None
        exchange.failure = cause if isinstance(cause, Exception) else error


async def _send_body(send: Any, response: Response, method: str, complete: Complete) -> None:
    """Send a complete body; a large one in pieces, so that the socket's back-pressure is felt."""
    await send({"type": "http.response.start", "status": response.status, "headers": complete(response.headers)})
    body = response.body
    size = body.nbytes if isinstance(body, memoryview) else len(body)
    if method == "HEAD" or size <= PIECE:
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
        return
    view = memoryview(body).cast("B")
    for start in range(0, size, PIECE):
        piece = view[start : start + PIECE]
        await send({"type": "http.response.body", "body": piece, "more_body": start + PIECE < size})


async def _send_chunks(  # noqa: PLR0913, PLR0917 - both directions, what to send, and who reads it
    send: Any, receive: Any, response: Response, service: Service, entry: Entry | None, chunk: Any
) -> None:
    """Send a streamed body that begins with `chunk`, reading one small chunk ahead; stops when the client leaves.

    A failure on the way breaks the connection off, so that nobody takes half of the data for all.
    """
    chunks = response.chunks
    assert chunks is not None
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
    gone = asyncio.ensure_future(_left(receive))
    finished = False
    try:
        while chunk is not None and not gone.done():
            view = memoryview(chunk).cast("B")
            reading = service.threads.run(guarded, chunks, entry) if view.nbytes <= AHEAD else None
            for start in range(0, view.nbytes, PIECE):
                await send({"type": "http.response.body", "body": view[start : start + PIECE], "more_body": True})
            chunk = None
            del view  # a large one is let go before the next is read
            chunk = await (reading or service.threads.run(guarded, chunks, entry))
        finished = chunk is None
        if finished:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        gone.cancel()
        if not finished:
            service.threads.run(abandon, chunks, entry)


async def _left(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
