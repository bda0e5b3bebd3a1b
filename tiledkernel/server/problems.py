"""Errors as responses: the only place where one becomes the other."""

from __future__ import annotations

import logging
from typing import Any

from tiledkernel.errors import KernelError, Unauthorized
from tiledkernel.wire import encode_json

logger = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]
MAX_TEXT = 2000  # characters of a sentence
MAX_ITEMS = 100  # of a list


def problem(error: BaseException, base: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body for an error; what is no KernelError is a 500 that discloses nothing."""
    if isinstance(error, KernelError):
        headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
        if isinstance(error, Unauthorized):
            scope = f' scope="{" ".join(sorted(error.scopes))}"' if error.scopes else ""
            mark = ', error="insufficient_scope"' if error.recognised else ""  # RFC 6750: renewing would not help
            headers += [(b"www-authenticate", f"Bearer{scope}{mark}".encode()), (b"x-tiled-root", base.encode())]
        return error.status, headers, _body(error.detail)
    logger.error("unhandled error", exc_info=error)
    return 500, [], _body("Internal server error")


def _body(detail: object) -> bytes:
    return encode_json({"detail": _shortened(detail)})


def _shortened(detail: Any) -> Any:
    """A detail that repeats at most the beginning of what the caller sent."""
    if isinstance(detail, str):
        return detail if len(detail) <= MAX_TEXT else f"{detail[:MAX_TEXT]}..."
    if isinstance(detail, dict):
        return {key: _shortened(value) for key, value in detail.items()}
    if isinstance(detail, list):
        return [_shortened(value) for value in detail[:MAX_ITEMS]]
    return detail
