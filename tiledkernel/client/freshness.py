"""When a stored answer may be used again: the rules of RFC 9111 for a private cache.

Pure functions over the headers of requests and responses. Times are seconds since the epoch, and are arguments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from tiledkernel.client.light_httpx import httpx
from tiledkernel.media_types import parse_accept

_DIRECTIVE = re.compile(r'([^\s,;="]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?')
_LONGEST = 2**31  # seconds; RFC 9111, section 1.2.2

# What a response says about its connection, or of one moment, or of secrets: not part of what is stored.
_NOT_STORED = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "server-timing",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-tiled-request-id",
    }
)

# What describes the stored bytes: a 304 has no bytes, so it cannot change these. The ETag stays too, because it is
# the one that the server has just recognised; some servers send another form of it with a 304.
_OF_THE_BODY = frozenset({"content-encoding", "content-length", "content-range", "content-type", "etag"})

# A caller who sends these wants something else than the whole current answer.
_PARTIAL_OR_CONDITIONAL = (
    "range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
)


def directives(headers: httpx.Headers) -> Mapping[str, str]:
    """What `Cache-Control` says, names in lower case; of a directive that is given twice, the first counts."""
    found: dict[str, str] = {}
    for name, quoted, plain in _DIRECTIVE.findall(headers.get("cache-control", "")):
        found.setdefault(name.lower(), quoted or plain)
    return found


def may_answer(method: str, request: httpx.Headers) -> bool:
    """Whether a stored answer may be looked for at all."""
    if method != "GET" or "no-store" in directives(request):
        return False
    return not any(name in request for name in _PARTIAL_OR_CONDITIONAL)


def may_store(method: str, request: httpx.Headers, status: int, response: httpx.Headers) -> bool:
    """Whether an answer may be kept, and keeping it is of any use: it can be revalidated, or stays fresh for a while.

    This is the cache of one person, so answers marked `private`, and answers to requests with credentials, may be
    kept; `s-maxage` is not meant for it.
    """
    if method != "GET" or status != 200 or "range" in request:
        return False
    if "no-store" in directives(request) or "no-store" in directives(response):
        return False
    if "*" in _names_in_vary(response):
        return False
    return _tag(response) is not None or bool(
        lifetime(response, received=math.inf)
    )  # an `Expires` counts if there is a `Date`


def lifetime(response: httpx.Headers, received: float) -> float | None:
    """For how many seconds after it was made an answer is fresh; None if the server does not say.

    What cannot be understood counts as 0: to ask once too often is right, to ask once too seldom is not.
    """
    said = directives(response)
    if "no-cache" in said:
        return 0.0
    if "max-age" in said:
        return _parse_seconds(said["max-age"]) or 0.0
    if "expires" in response:
        expires = parse_date(response["expires"])
        return 0.0 if expires is None else max(0.0, expires - _made_at(response, received))
    return None


def age(response: httpx.Headers, received: float, now: float) -> float:
    """For how many seconds an answer that came at `received` has existed, on the way or here (RFC 9111, 4.2.3)."""
    if now < received:  # the clock was set back: there is no telling
        return math.inf
    on_the_way = _parse_seconds(response.get("age", "")) or 0.0
    return max(on_the_way, received - _made_at(response, received)) + now - received


def is_fresh(request: httpx.Headers, response: httpx.Headers, received: float, now: float) -> bool:
    """Whether a stored answer may be shown without asking the server."""
    vouched = lifetime(response, received)
    if vouched is None:
        return False
    wanted = directives(request)
    if "no-cache" in wanted:
        return False
    if "max-age" in wanted:
        vouched = min(vouched, _parse_seconds(wanted["max-age"]) or 0.0)
    return age(response, received, now) < vouched


def revalidation_headers(response: httpx.Headers) -> dict[str, str]:
    """What to add to a request such that the server says 304 if the stored answer is still right."""
    tag = _tag(response)
    return {} if tag is None else {"if-none-match": tag}


def to_store(response: httpx.Headers) -> httpx.Headers:
    """The headers of a response that are worth keeping."""
    unwanted = _NOT_STORED | {name.strip().lower() for name in response.get("connection", "").split(",")}
    return httpx.Headers([pair for pair in response.raw if pair[0].lower().decode("latin-1") not in unwanted])


def merge(stored: httpx.Headers, not_modified: httpx.Headers) -> httpx.Headers:
    """The headers of a stored answer, brought up to date with those of a 304 (RFC 9111, section 3.2)."""
    newer = [pair for pair in to_store(not_modified).raw if pair[0].lower().decode("latin-1") not in _OF_THE_BODY]
    replaced = {name.lower() for name, _ in newer}
    return httpx.Headers([*(pair for pair in stored.raw if pair[0].lower() not in replaced), *newer])


def varied(request: httpx.Headers, response: httpx.Headers) -> dict[str, str]:
    """The values of the request's headers that the response names in `Vary`.

    Without `Accept-Encoding`: what matters is not which codings were offered, but whether the stored one is among
    those offered now, which `accepts_coding` tells. (The client offers more codings when more libraries are loaded.)
    """
    return {name: _plain(request, name) for name in _names_in_vary(response) if name != "accept-encoding"}


def selects(request: httpx.Headers, values: Mapping[str, str]) -> bool:
    """Whether a request equals, in the headers that matter, the one whose values these are."""
    return all(_plain(request, name) == value for name, value in values.items())


def accepts_coding(request: httpx.Headers, response: httpx.Headers) -> bool:
    """Whether a request offers to take the content codings of a response."""
    text = response.get("content-encoding")
    if text is None:
        return True
    used = {coding for name in text.split(",") if (coding := name.strip().lower()) not in ("", "identity")}
    return used <= {offer.base for offer in parse_accept(request.get("accept-encoding", ""))}


def parse_date(text: str) -> float | None:
    """The moment that an HTTP date names, in any of its three forms; None if it is none."""
    try:
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _tag(response: httpx.Headers) -> str | None:
    """The ETag exactly as it came: some servers do not quote theirs, and compare letter by letter."""
    tag = response.get("etag", "")
    return tag if tag and tag.isascii() else None


def _parse_seconds(text: str) -> float | None:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return None
    return float(min(int(digits), _LONGEST)) if len(digits) < 20 else float(_LONGEST)


def _made_at(response: httpx.Headers, received: float) -> float:
    made = parse_date(response["date"]) if "date" in response else None
    return received if made is None else made


def _names_in_vary(response: httpx.Headers) -> list[str]:
    return [name for part in response.get("vary", "").split(",") if (name := part.strip().lower())]


def _plain(headers: httpx.Headers, name: str) -> str:
    """The values of a header as one line, without blanks that mean nothing."""
    return ",".join(part.strip() for part in headers.get(name, "").split(","))
