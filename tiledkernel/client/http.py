"""Send a call, again if that may help, and hand its response to whoever reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tiledkernel.client.calls import Call
from tiledkernel.client.errors import error_of
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.retries import attempts

T = TypeVar("T")


def exchange(client: httpx.Client, call: Call, read: Callable[[httpx.Response], T]) -> T:
    """What `read` makes of the response, whose body has not been read yet.

    Transport errors, failures of the server and requests to slow down lead to another attempt, also when they come
    while the body is being read; `read` must be able to begin again.
    """
    for attempt in attempts():
        with attempt:
            return _attempt(client, call, read)
    raise AssertionError("the last attempt returns or raises")


def _attempt(client: httpx.Client, call: Call, read: Callable[[httpx.Response], T]) -> T:
    request = client.build_request(
        call.method,
        call.url,
        params=httpx.QueryParams(tuple(call.parameters)) if call.parameters else None,
        headers=dict(call.headers),
        json=call.json,
    )
    response = client.send(request, stream=True)
    try:
        if response.is_error:
            response.read()
            raise error_of(response)
        return read(response)
    finally:
        response.close()
