"""Count the requests that leave a process, whichever client sends them, as long as it does so with httpx."""

from __future__ import annotations

import httpx


class Counter:
    """How many requests have been handed to the network since this was made."""

    def __init__(self) -> None:
        self.count = 0
        waiting, awaited = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

        def handle_request(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
            self.count += 1
            return waiting(transport, request)

        async def handle_async_request(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
            self.count += 1
            return await awaited(transport, request)

        httpx.HTTPTransport.handle_request = handle_request
        httpx.AsyncHTTPTransport.handle_async_request = handle_async_request
