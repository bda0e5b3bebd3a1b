"""Find out whether a server wants to be talked to over https, before anything secret is sent to it."""

from __future__ import annotations

from typing import Any

from tiledkernel.client.exchanges import UNREACHABLE
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.logs import note_request, note_response
from tiledkernel.client.patience import Patience
from tiledkernel.client.retries import attempts


def adopt_https(uri: str, *, offline: bool = False, **options: Any) -> str:
    """The URI, with https if a plain request to it is redirected to https on the same host.

    `options` are those of the connection: `verify`, `trust_env`, `timeout`. `offline`: a server that cannot be reached
    is no error yet, for there may be a cache.
    """
    if not _is_plain(uri):
        return uri
    hooks: Any = {"request": [note_request], "response": [note_response]}
    with httpx.Client(event_hooks=hooks, **_given(options)) as client, Patience() as patience:
        for attempt in attempts(1 if offline else None):
            patience.note(attempt.num)
            with attempt:
                try:
                    with client.stream("GET", _without_query(uri)) as response:
                        return adopted(uri, response)
                except UNREACHABLE:
                    if not offline:
                        raise
                    return uri
    raise AssertionError("the last attempt returns or raises")


async def adopt_https_async(uri: str, *, offline: bool = False, **options: Any) -> str:
    """The same for asynchronous programs."""
    if not _is_plain(uri):
        return uri
    async with httpx.AsyncClient(**_given(options)) as client:
        with Patience() as patience:
            async for attempt in attempts(1 if offline else None):
                patience.note(attempt.num)
                with attempt:
                    try:
                        async with client.stream("GET", _without_query(uri)) as response:
                            return adopted(uri, response)
                    except UNREACHABLE:
                        if not offline:
                            raise
                        return uri
    raise AssertionError("the last attempt returns or raises")


def adopted(uri: str, response: httpx.Response) -> str:
    """The URI to use, after this answer to a request without credentials."""
    if not response.has_redirect_location:
        return uri
    parsed = httpx.URL(uri)
    target = parsed.join(str(response.headers["location"]))
    if target.scheme == "https" and target.host == parsed.host:
        return str(parsed.copy_with(scheme="https", port=target.port))
    return uri


def _is_plain(uri: str) -> bool:
    return httpx.URL(uri).scheme == "http"


def _without_query(uri: str) -> str:
    return str(httpx.URL(uri).copy_with(query=None))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
