"""ETags and conditional requests (RFC 9110, sections 8.8 and 13)."""

from __future__ import annotations

import time
from collections.abc import Hashable
from datetime import timedelta
from email.utils import formatdate
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32


def etag_of_state(stamp: Hashable, media_type: str, boot: str, query: bytes) -> str:
    """A quoted ETag for data in the state that `stamp` names, as a URL with this query shows them."""
    return f'"{_state(stamp, media_type, boot)}{crc32(query):08x}"'


@lru_cache(maxsize=4096)
def _state(stamp: Hashable, media_type: str, boot: str) -> str:
    parts = repr((stamp, media_type, boot))
    return blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def etag_of(*parts: Hashable) -> str:
    """A quoted ETag that differs whenever a part does."""
    return f'"{blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()}"'


def confirmed(if_none_match: bytes | None, etag: str | None) -> str | None:
    """The ETag of what the client already has, if that is current: with the content coding that it has it in.

    Quoted, weak, unquoted, lists and `*` are understood. None if nothing was asked, told, or is current.
    """
    if if_none_match is None or etag is None:
        return None
    if if_none_match == b"*":
        return etag
    own = _bare(etag)
    for given in if_none_match.decode("latin-1").split(","):
        if _bare(given) == own:
            _, separator, coding = given.strip().strip('"').partition("+")
            return with_coding(etag, coding) if separator and "+" not in etag and coding.isalnum() else etag
    return None


def _bare(etag: str) -> str:
    """The opaque part, without the mark of the content coding that responses append."""
    return etag.strip().removeprefix("W/").strip('"').partition("+")[0]


def with_coding(etag: str, coding: str) -> str:
    """The ETag of the same state in a content coding: other bytes need another name."""
    return f'{etag[:-1]}+{coding}"'


def expires(after: timedelta | None) -> tuple[tuple[bytes, bytes], ...]:
    """An `Expires` header for what may be taken for current that long; none if nobody can tell."""
    if after is None:
        return ()
    return ((b"expires", formatdate(time.time() + after.total_seconds(), usegmt=True).encode()),)
