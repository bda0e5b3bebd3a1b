"""The URIs that a user connects to: of a server, of its API, or of one node."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from msgspec import Struct

_PATH = re.compile(r"^(?P<prefix>.*?)(?:/api(?:/v1(?:/metadata(?:/(?P<node>.*))?)?)?)?/?$")


class Address(Struct, frozen=True):
    """Where a node is: the API's URI with a slash at its end, the node's path, and a key if the URI had one."""

    api_uri: str
    path: tuple[str, ...] = ()
    api_key: str | None = None


def parse_address(uri: str) -> Address:
    """Take a URI apart; ValueError says what cannot be meant."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"cannot connect to {uri!r}: expected a URI such as 'http://localhost:8000'")
    keys = parse_qs(parts.query, keep_blank_values=True).get("api_key", [])
    if len(keys) > 1:
        raise ValueError(f"the URI has {len(keys)} keys: give 'api_key' once")
    match = _PATH.match(parts.path)
    assert match is not None  # every part of the pattern is optional
    node = match["node"] or ""
    api_uri = urlunsplit((parts.scheme, parts.netloc, match["prefix"].rstrip("/") + "/api/v1/", "", ""))
    return Address(api_uri, split_path(unquote(node)), keys[0] if keys else None)


def split_path(path: str) -> tuple[str, ...]:
    """The segments of a path; empty ones do not count."""
    return tuple(segment for segment in path.split("/") if segment)


def join_path(base: str, segments: tuple[str, ...]) -> str:
    """A link below `base`, without its query; `base` itself, with a slash at its end, if there are no segments."""
    quoted = "/".join(quote(segment, safe="") for segment in segments)
    return f"{base.partition('?')[0].rstrip('/')}/{quoted}"


def sibling_route(uri: str, route: str) -> str:
    """The link to the same node on another route: `.../metadata/a` becomes `.../<route>/a`."""
    before, separator, after = uri.partition("?")[0].partition("/metadata")
    if not separator:
        raise ValueError(f"{uri!r} is no link to a node: expected '/metadata/' in it")
    return f"{before}/{route}{after}"
