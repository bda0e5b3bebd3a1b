"""Errors of a request, with the server's own sentence."""

from __future__ import annotations

from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.logs import redact_url
from tiledkernel.client.messages import parse_detail


class ClientError(httpx.HTTPStatusError):
    """The server refused the request (4xx) and says why."""


class ServerError(httpx.HTTPStatusError):
    """The server failed (5xx), also when asked again."""


class UnknownStructureFamily(KeyError):
    """No installed class shows this kind of data."""

    def __str__(self) -> str:
        return str(self.args[0])


def error_of(response: httpx.Response) -> httpx.HTTPStatusError:
    """The error that a response with a status of 400 or more stands for; its body must have been read."""
    status = response.status_code
    detail = parse_detail(response.headers.get("content-type", ""), response.content, response.reason_phrase)
    text = f"{status}: {detail} {redact_url(response.request.url)}"
    if status < 500:
        return ClientError(text, request=response.request, response=response)
    identity = response.headers.get("x-tiled-request-id")
    if identity:
        text += f" -- the administrator of the server can find out more with the request id {identity}"
    return ServerError(text, request=response.request, response=response)
