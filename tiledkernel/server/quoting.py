"""Keys and paths as parts of URLs; braces are encoded, since clients fill templates with them."""

from __future__ import annotations

import re
from urllib.parse import quote

is_plain = re.compile(r"[A-Za-z0-9_.~-]+").fullmatch  # what needs no quoting, neither in URLs nor in JSON, as most keys


def quoted_key(key: str) -> str:
    """One key."""
    return key if is_plain(key) else quote(key, safe="")


def quoted(path: tuple[str, ...]) -> str:
    """A node's path."""
    return "/".join([part if is_plain(part) else quote(part, safe="") for part in path])
