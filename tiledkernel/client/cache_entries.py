"""What is stored of an answer, and what it is filed under: the address, what was asked for, who asked; no secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.logs import redact_url

ANYTHING = "*/*"

# Headers that say nothing of who asks. All others belong to the identity: proxies of facilities know their users by
# headers of many names, and an answer that is asked for once too often does less harm than one shown to a stranger.
# What of these matters for the answer is named in the response's `Vary`.
_IMPERSONAL = frozenset(
    {
        b"accept",
        b"accept-charset",
        b"accept-encoding",
        b"accept-language",
        b"baggage",
        b"cache-control",
        b"connection",
        b"content-length",
        b"content-type",
        b"date",
        b"host",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"keep-alive",
        b"origin",
        b"pragma",
        b"priority",
        b"range",
        b"referer",
        b"te",
        b"traceparent",
        b"tracestate",
        b"user-agent",
        b"x-csrf",
        b"x-request-id",
        b"x-tiled-request-id",
    }
)
_CREDENTIALS = frozenset({b"authorization", b"cookie"})
_CSRF_COOKIE = b"tiled_csrf="  # another one in each session; it stands for nobody


class Key(NamedTuple):
    """What an answer is filed under."""

    address: str
    variant: bytes


class Head(Struct, frozen=True, array_like=True):
    """What is stored of an answer besides its body."""

    headers: list[tuple[bytes, bytes]]
    varied: dict[str, str]  # what the request said in the headers that matter


class Row(Struct, frozen=True):
    """A stored answer."""

    identity: int  # of this answer; another one in its place has another identity
    received: float
    head: Head
    body: bytes


def address_of(url: httpx.URL) -> str:
    """The URL as it may be written down: without keys, names, passwords and the fragment."""
    return redact_url(_sent(url).copy_with(userinfo=b"") if url.userinfo else _sent(url))


def without_credentials(values: Mapping[str, str]) -> dict[str, str]:
    """The values of headers that may be written down; the others are part of the key, and need no comparing."""
    return {name: value for name, value in values.items() if name.encode() in _IMPERSONAL}


def _sent(url: httpx.URL) -> httpx.URL:
    return url.copy_with(fragment=None) if url.fragment else url


def key_of(request: httpx.Request, salt: bytes, who: str | None = None) -> Key:
    """What the answer to a request is filed under.

    `who` stands for the person instead of the headers `Authorization` and `Cookie`, for logins whose tokens
    change while the person stays the same.
    """
    address = address_of(request.url)
    digest = hashlib.blake2b(key=salt, digest_size=16)
    for part in _distinguishing(request, address, who):
        digest.update(len(part).to_bytes(8))  # so that parts cannot flow into each other
        digest.update(part)
    return Key(address, digest.digest())


def _distinguishing(request: httpx.Request, address: str, who: str | None) -> Iterator[bytes]:
    yield request.headers.get("accept", ANYTHING).encode()
    if (full := str(_sent(request.url))) != address:  # a secret in the URL is a credential too
        yield full.encode()
    if who is not None:
        yield b":who"  # no header can have this name
        yield who.encode()
    for name, value in request.headers.raw:
        lower = name.lower()
        if lower in _IMPERSONAL or (who is not None and lower in _CREDENTIALS):
            continue
        told = _personal(value) if lower == b"cookie" else value
        if told:
            yield lower
            yield told


def _personal(cookies: bytes) -> bytes:
    parts = (part.strip() for part in cookies.split(b";"))
    return b";".join(sorted(part for part in parts if part and not part.startswith(_CSRF_COOKIE)))
