"""What every response carries, whoever made it: request id, CSRF cookie, timing, CORS and security headers."""

from __future__ import annotations

import itertools
import os
import re
import secrets
from binascii import b2a_hex
from time import perf_counter

from tiledkernel.access.viewer import Viewer

_UUID4 = re.compile(rb"^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$", re.IGNORECASE)
_BOOT = secrets.token_hex(4).encode()  # tells processes apart; the ids within one are counted
_numbers = itertools.count(1)
STANDARD = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)
CLOSED = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
EXPOSED = b"X-Tiled-Request-ID, Server-Timing, ETag, Content-Disposition"


class Exchange:
    """One request and its response."""

    __slots__ = (
        "failure",
        "headers",
        "origins",
        "request_id",
        "secured",
        "set_cookies",
        "started",
        "timings",
        "viewer",
    )

    def __init__(self, headers: list[tuple[bytes, bytes]], origins: frozenset[bytes] = frozenset()) -> None:
        self.started = perf_counter()
        self.origins = origins
        self.headers = dict(headers)
        given = self.headers.get(b"x-tiled-request-id", b"")
        self.request_id = given if given and _UUID4.match(given) else b"%s%08x" % (_BOOT, next(_numbers) & 0xFFFFFFFF)
        self.timings: list[str] = []
        self.set_cookies: list[bytes] = []
        self.secured = False  # whether the response brings the security headers that fit its content
        self.viewer: Viewer | None = None  # who asks, once that is known
        self.failure: Exception | None = None  # what was no one's fault but ours

    def cookie(self, name: bytes) -> str | None:
        """The value of a cookie, or None."""
        header = self.headers.get(b"cookie")
        if not header:
            return None
        for part in header.split(b";"):
            key, _, value = part.strip().partition(b"=")
            if key == name:
                return value.decode("latin-1")
        return None

    def note(self, name: str, started: float, extra: str = "") -> None:
        """Add a duration, in ms since `started`, to `Server-Timing`."""
        self.timings.append(f"{name};dur={(perf_counter() - started) * 1000:.1f}{extra}")

    def complete(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of a response, with those that every response carries."""
        headers = list(headers)
        if not self.secured:
            headers += (*STANDARD, CLOSED)
        self.note("app", self.started)
        headers += (
            (b"x-tiled-request-id", self.request_id),
            (b"server-timing", ", ".join(self.timings).encode()),
        )
        if b"tiled_csrf=" not in self.headers.get(b"cookie", b""):
            headers.append((b"set-cookie", b"tiled_csrf=%s; HttpOnly; Path=/; SameSite=lax" % _csrf_token()))
        for cookie in self.set_cookies:
            headers.append((b"set-cookie", cookie))
        if self.origins and (origin := self.headers.get(b"origin")):
            headers += cors_headers(origin, self.origins)
        return headers


def _csrf_token() -> bytes:
    return b2a_hex(os.urandom(18))


def cors_headers(origin: bytes, origins: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    """What lets pages of a listed origin read a response, with credentials; nothing for others."""
    if origin not in origins:
        open_to_all = b"*" in origins  # without credentials: any page may read what is public
        return [(b"access-control-allow-origin", b"*")] if open_to_all else [(b"vary", b"Origin")]
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", EXPOSED),
        (b"vary", b"Origin"),
    ]


def preflight(exchange: Exchange, origins: frozenset[bytes]) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
    """The answer to a CORS preflight; None if the request is none."""
    origin = exchange.headers.get(b"origin")
    wanted = exchange.headers.get(b"access-control-request-method")
    if origin is None or wanted is None:
        return None
    if origin not in origins and b"*" not in origins:
        return 400, [(b"content-type", b"text/plain; charset=utf-8"), (b"vary", b"Origin")], b"Disallowed CORS origin"
    headers = [
        (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        (b"access-control-allow-headers", exchange.headers.get(b"access-control-request-headers", b"*")),
        (b"access-control-max-age", b"600"),
        (b"content-type", b"text/plain; charset=utf-8"),
    ]
    return 200, headers, b"OK"
