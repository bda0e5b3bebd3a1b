"""What a request presents to prove who sends it, and the defence against forged ones (CSRF)."""

from __future__ import annotations

import secrets

from tiledkernel.access.protocols import Credentials
from tiledkernel.errors import BadRequest, Forbidden
from tiledkernel.server.exchange import Exchange

KEY_COOKIE = b"tiled_api_key"
CSRF_COOKIE = b"tiled_csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
NOBODY = Credentials()


def present_credentials(exchange: Exchange, values: dict[str, list[str]], method: str) -> Credentials:
    """The credentials of a request: key in the query, `Authorization: Apikey`, cookie, or bearer token, in order."""
    header = exchange.headers.get(b"authorization")
    cookie = exchange.cookie(KEY_COOKIE) if b"cookie" in exchange.headers else None
    if header is None and cookie is None and "api_key" not in values:
        return NOBODY
    if cookie is not None and method not in SAFE_METHODS:
        _check_csrf(exchange, values)
    scheme, secret = _authorization(header) if header is not None else ("", "")
    if "api_key" in values:
        return Credentials(api_key=values["api_key"][-1])
    if scheme == "apikey":
        return Credentials(api_key=secret)
    if cookie is not None:
        return Credentials(api_key=cookie)
    return Credentials(bearer=secret)


def _authorization(header: bytes) -> tuple[str, str]:
    scheme, _, secret = header.decode("latin-1").strip().partition(" ")
    if scheme.lower() not in ("apikey", "bearer") or not secret.strip():
        raise BadRequest(
            "the Authorization header is not understood: expected 'Apikey <secret>' or 'Bearer <access token>'"
        )
    return scheme.lower(), secret.strip()


def _check_csrf(exchange: Exchange, values: dict[str, list[str]]) -> None:
    """A cookie is sent by the browser, whoever made it send the request; the header only by our own pages."""
    cookie = exchange.cookie(CSRF_COOKIE)
    given = exchange.headers.get(b"x-csrf", b"").decode("latin-1") or values.get("csrf", [""])[-1]
    if not cookie or not given:
        raise Forbidden(
            "this request is authenticated by a cookie: repeat the cookie 'tiled_csrf' in the header 'x-csrf'"
        )
    if not secrets.compare_digest(cookie.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass")):
        raise Forbidden("the header 'x-csrf' does not match the cookie 'tiled_csrf'")


def key_cookie(key: str, *, secure: bool) -> bytes:
    """A cookie that keeps a browser logged in that came with a key in its URL; a `secure` one is for HTTPS only."""
    only = "; Secure" if secure else ""
    return f"tiled_api_key={key}; HttpOnly; Path=/; SameSite=lax{only}".encode("latin-1", "replace")
