"""The URIs that a user connects to: of a server, of its API, or of one node."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from msgspec import Struct

_PATH = re.compile(r"^(?P<prefix>.*?)(?:/api(?:/v1(?:/metadata(?:/(?P<node>.*))?)?)?)?/?$")


_API = "/api/v1"


class Address(Struct, frozen=True):
    """Where a node is: the API's URI with a slash at its end, the node's path, and a key if the URI had one."""

    api_uri: str
    path: tuple[str, ...] = ()
    api_key: str | None = None


def parse_address(uri: str) -> Address:
    """Take a URI apart; ValueError says what cannot be meant."""
    parts = urlsplit(uri)
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URI holds a name or password: pass auth=httpx.BasicAuth(name, password) instead")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        shown = uri.partition("?")[0]  # behind it there may be a key
        raise ValueError(f"cannot connect to {shown!r}: expected a URI such as 'http://localhost:8000'")
    keys = parse_qs(parts.query, keep_blank_values=True).get("api_key", [])
    if len(keys) > 1:
        raise ValueError(f"the URI has {len(keys)} keys: give 'api_key' once")
    match = _PATH.match(parts.path)
    assert match is not None  # every part of the pattern is optional
    node = match["node"] or ""
    api_uri = urlunsplit((parts.scheme, parts.netloc, match["prefix"].rstrip("/") + "/api/v1/", "", ""))
    return Address(api_uri, split_path(unquote(node)), keys[0] if keys else None)


def split_path(path: str) -> tuple[str, ...]:
    """The segments of a path; empty ones do not count. KeyError for those that no node is called, as '.' and '..'."""
    segments = tuple(segment for segment in path.split("/") if segment)
    if "." in segments or ".." in segments or not is_path(path):
        raise KeyError(path)
    return segments


def is_path(text: str) -> bool:
    """Whether a text can stand in a URL: without NUL characters, and without halves of characters."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def join_path(base: str, segments: tuple[str, ...]) -> str:
    """A link below `base`, without its query; `base` itself, with a slash at its end, if there are no segments."""
    quoted = "/".join(quote(segment, safe="") for segment in segments)
    return f"{base.partition('?')[0].rstrip('/')}/{quoted}"


def clean_link(link: str) -> str:
    """A link without the empty segments that some servers put into paths below their root."""
    before, separator, path = link.partition(f"{_API}/")
    route, question, query = path.partition("?")
    return before + separator + re.sub("/{2,}", "/", route) + question + query


def sibling_route(uri: str, route: str) -> str:
    """The link to the same node on another route: `.../metadata/a` becomes `.../<route>/a`."""
    before, separator, after = uri.partition("?")[0].partition(f"{_API}/metadata")
    if not separator:
        raise ValueError(f"{uri!r} is no link to a node: expected '{_API}/metadata/' in it")
    return f"{before}{_API}/{route}{after}"
