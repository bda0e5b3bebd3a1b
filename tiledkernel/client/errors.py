"""Errors of a request, with the server's own sentence."""

from __future__ import annotations

from typing import Any

from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.logs import redact_url
from tiledkernel.client.messages import parse_detail


class StatusError(httpx.HTTPStatusError):
    """A response whose status says that something is wrong; it pickles, without the secrets of its request.

    `after_doubt` tells that an earlier attempt of the same request may have been carried out: what is refused now,
    because it is there or gone already, may be so by our own doing.
    """

    after_doubt = False

    def __reduce__(self) -> tuple[Any, ...]:
        status, headers, content = self.response.status_code, list(self.response.headers.raw), self.response.content
        told = (self.request.method, redact_url(self.request.url), status, headers, content)
        return _told_again, (type(self), str(self), *told)


def _told_again(  # noqa: PLR0913, PLR0917 - a response, piece by piece
    kind: type[StatusError], text: str, method: str, url: str, status: int, headers: Any, content: bytes
) -> StatusError:
    request = httpx.Request(method, url)
    kept = [(name, value) for name, value in headers if name.lower() not in (b"content-encoding", b"set-cookie")]
    return kind(text, request=request, response=httpx.Response(status, headers=kept, content=content, request=request))


class ClientError(StatusError):
    """The server refused the request (4xx) and says why."""


class ServerError(StatusError):
    """The server failed (5xx), also when asked again."""


class LoginError(RuntimeError):
    """Something about a login or a key cannot be done; the message says why, and what to do."""


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
