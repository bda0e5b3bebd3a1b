"""Where the server is, as its clients see it."""

from __future__ import annotations

import re
from typing import Any

from tiledkernel.server.exchange import Exchange
from tiledkernel.settings import Settings

_PORT = re.compile(r":[0-9]*$")
_HOST = re.compile(r"[A-Za-z0-9._~:\[\]-]{1,255}")


def base_url(scope: Any, exchange: Exchange, settings: Settings) -> str:
    """The absolute URL of the API, without a trailing slash; a configured `root_url` wins over what headers say."""
    if settings.root_url is not None:
        return f"{settings.root_url.rstrip('/')}/api/v1"
    headers = exchange.headers
    host = _first(headers.get(b"x-forwarded-host") or headers.get(b"host") or b"")
    scheme = _first(headers.get(b"x-forwarded-proto") or scope["scheme"].encode())
    kind = "https" if scheme.lower() == "https" else "http"
    safe = host if _HOST.fullmatch(host) else "localhost"
    return f"{kind}://{safe}{root_path(scope, settings)}/api/v1"


def root_path(scope: Any, settings: Settings) -> str:
    """The prefix under which a proxy or an outer application shows the server: '' or '/prefix'."""
    prefix = (scope.get("root_path") or settings.root_path).strip("/")
    return f"/{prefix}" if prefix else ""


def host_names(exchange: Exchange) -> set[bytes]:
    """The hosts that a request names, without ports: its own, and what a proxy says it was."""
    given = [exchange.headers.get(b"host", b""), exchange.headers.get(b"x-forwarded-host")]
    return {_PORT.sub("", _first(host)).lower().encode("latin-1") for host in given if host is not None}


def _first(header: bytes) -> str:
    """The part of a header that the proxy nearest to the client wrote."""
    return header.decode("latin-1").partition(",")[0].strip()
