"""Show or record the requests that a client makes; secrets never appear."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from tiledkernel.client.light_httpx import httpx

logger = logging.getLogger("tiledkernel.client")

REDACTED = "[redacted]"
_SECRETS = re.compile("auth|cookie|csrf|key|token|secret|password|credential", re.IGNORECASE)  # in names of headers
_SECRET_PARAMETER = re.compile(r"([?&](?:api_key|access_token|refresh_token|csrf)=)[^&#]*")


class History:
    """The requests that were made and the responses that came, in order, without secrets and bodies."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.responses: list[httpx.Response] = []

    def __repr__(self) -> str:
        return f"<History of {len(self.requests)} requests>"


_histories: tuple[History, ...] = ()


@contextmanager
def record_history() -> Iterator[History]:
    """Collect the requests and responses of all clients while the block runs.

    >>> with record_history() as history:
    ...     client["a/b"]
    >>> len(history.requests)
    1
    """
    global _histories  # noqa: PLW0603 - replaced as a whole: other threads may be going through it
    history = History()
    _histories = (*_histories, history)
    try:
        yield history
    finally:
        _histories = tuple(other for other in _histories if other is not history)


def show_logs() -> None:
    """Print each request and response to stderr."""
    hide_logs()
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(message)s", datefmt="%H:%M:%S"))
    handler.set_name(__name__)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


def hide_logs() -> None:
    """Undo `show_logs`."""
    for handler in [handler for handler in logger.handlers if handler.get_name() == __name__]:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def note_request(request: httpx.Request) -> None:
    """Log and record a request that is about to be sent."""
    if logger.isEnabledFor(logging.DEBUG):
        url = unquote(redact_url(request.url))
        logger.debug("-> %s %r %s", request.method, url, _format_headers(request.headers, " "))
    for history in _histories:
        history.requests.append(_without_secrets(request))


def note_response(response: httpx.Response) -> None:
    """Log and record a response whose headers have come."""
    if logger.isEnabledFor(logging.DEBUG):
        size = response.headers.get("content-length", "?")
        logger.debug("<- (%s B) %s %s", size, response.status_code, _format_headers(response.headers, ""))
    for history in _histories:
        headers = [(name, value) for name, value in response.headers.multi_items() if not _SECRETS.search(name)]
        request = _without_secrets(response.request)
        history.responses.append(httpx.Response(response.status_code, headers=headers, request=request))


def redact_url(url: httpx.URL) -> str:
    """A URL with the secrets in its query replaced."""
    shown = url.copy_with(userinfo=b"") if url.userinfo else url
    return _SECRET_PARAMETER.sub(rf"\1{REDACTED}", str(shown))


def _without_secrets(request: httpx.Request) -> httpx.Request:
    headers = [(name, REDACTED if _SECRETS.search(name) else value) for name, value in request.headers.multi_items()]
    return httpx.Request(request.method, redact_url(request.url), headers=headers)


def _format_headers(headers: httpx.Headers, quoted: str) -> str:
    shown = os.environ.get("TILED_LOG_AUTH_TOKEN", "0") not in ("0", "")
    items = (
        f"{name}:{REDACTED if _SECRETS.search(name) and not (shown and name == 'authorization') else value}"
        for name, value in headers.multi_items()
    )
    return " ".join(repr(item) if quoted else item for item in items)
