"""Where the server is, as its clients see it."""

from __future__ import annotations

import re
from typing import Any

from tiledkernel.server.exchange import Exchange
from tiledkernel.settings import Settings

_HOST = re.compile(r"^[A-Za-z0-9._~:\[\]-]{1,255}$")


def base_url(scope: Any, exchange: Exchange, settings: Settings) -> str:
    """The absolute URL of the API, without a trailing slash; a configured `root_url` wins over what headers say."""
    if settings.root_url is not None:
        return f"{settings.root_url.rstrip('/')}/api/v1"
    headers = exchange.headers
    host = headers.get(b"x-forwarded-host") or headers.get(b"host") or b"localhost"
    scheme = headers.get(b"x-forwarded-proto") or scope["scheme"].encode()
    text = host.decode("latin-1").partition(",")[0].strip()
    kind = "https" if scheme.strip().lower() == b"https" else "http"
    root = (scope.get("root_path") or settings.root_path).strip("/")
    safe = text if _HOST.match(text) else "localhost"
    return f"{kind}://{safe}/{root}/api/v1" if root else f"{kind}://{safe}/api/v1"
