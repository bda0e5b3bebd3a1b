"""A line for each request, with who asked and the request's id, and without the secrets that an address may carry.

uvicorn's own access log knows neither, and writes keys; this one is for the same formatters.
"""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import quote

logger = logging.getLogger("tiledkernel.access")

# Keys, and what providers send browsers back with, by which one could log in.
_SECRETS = re.compile(r"((?:api_key|code|state|user_code|SAMLResponse|RelayState|\w*token)=)[^&]*", re.IGNORECASE)
_NAMED_BY_US = frozenset({"public", "(singleuser)"})


class AccessLog:
    """An application that logs what another one answers."""

    def __init__(self, app: Any, log: logging.Logger = logger) -> None:
        self.app = app
        self._log = log

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass everything through; write the line when the response begins."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def logged(message: Any) -> None:
            if message["type"] == "http.response.start":
                write(self._log, scope, message)
            await send(message)

        await self.app(scope, receive, logged)


def write(log: logging.Logger, scope: Any, message: Any) -> None:
    """Log one response; the arguments are those that formatters for uvicorn's access log expect."""
    host, port = scope.get("client") or ("-", 0)
    identity = next((value.decode() for name, value in message["headers"] if name == b"x-tiled-request-id"), "-")
    log.info(
        '%s - "%s %s HTTP/%s" %d',
        f"{host}:{port} {_user(scope)} {identity}",
        scope["method"],
        _path(scope),
        scope["http_version"],
        message["status"],
    )


def _user(scope: Any) -> str:
    viewer = getattr(scope.get("exchange"), "viewer", None)
    if viewer is None:  # refused before anyone asked who it is
        return "-"
    return str(viewer.name) if viewer.name in _NAMED_BY_US else repr(viewer.name)


def _path(scope: Any) -> str:
    path = quote(scope.get("path", ""))
    query = scope.get("query_string", b"").decode("latin-1")
    shown = _SECRETS.sub(r"\1***", query)
    return f"{path}?{shown}" if query else path
