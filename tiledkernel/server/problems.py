"""Errors as responses: the only place where one becomes the other."""

from __future__ import annotations

import logging

import msgspec

from tiledkernel.errors import KernelError, Unauthorized
from tiledkernel.wire import encode_json

logger = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]


def problem(error: BaseException, base: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body for an error; what is no KernelError is a 500 that discloses nothing."""
    if isinstance(error, KernelError):
        headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
        if isinstance(error, Unauthorized):
            scope = f' scope="{" ".join(sorted(error.scopes))}"' if error.scopes else ""
            headers += [(b"www-authenticate", f"Bearer{scope}".encode()), (b"x-tiled-root", base.encode())]
        return error.status, headers, _body(error.detail)
    logger.error("unhandled error", exc_info=error)
    return 500, [], _body("Internal server error")


def _body(detail: object) -> bytes:
    try:
        return encode_json({"detail": detail})
    except (UnicodeEncodeError, msgspec.MsgspecError):  # lone surrogates in what the caller sent
        return encode_json({"detail": ascii(detail)})
