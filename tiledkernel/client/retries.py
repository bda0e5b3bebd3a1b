"""Which failed requests are made again, and when."""

from __future__ import annotations

import logging
import math
import os
from typing import Any

import stamina

from tiledkernel.client.light_httpx import httpx

# Where no logging is set up, Python would print stamina's notes; the person who waits gets one word instead.
logging.getLogger("stamina").addHandler(logging.NullHandler())

_LONGEST_WAIT = 60.0  # seconds; a server that wants more is not waited for


def attempts(most: int | None = None) -> Any:
    """What yields contexts to make one attempt each in, for `for` and for `async for`.

    An attempt that fails in a way that may pass is followed by another, unless it was the last of `most`.
    """
    number = most or int(os.environ.get("TILED_RETRY_ATTEMPTS", "10"))
    timeout = float(os.environ.get("TILED_RETRY_TIMEOUT", "45.0"))
    return stamina.retry_context(on=retry_after, attempts=number, timeout=timeout)


def retry_after(error: Exception) -> bool | float:
    """Whether it is worth to ask again: no, yes, or after how many seconds."""
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        if status != 429 and status < 500:
            return False
        return _parse_seconds(error.response.headers.get("retry-after", ""))
    hopeless = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
    return isinstance(error, httpx.TransportError) and not isinstance(error, hopeless)


def _parse_seconds(text: str) -> bool | float:
    """The wait that the server asked for, or True if it named none; dates are not used by such servers."""
    try:
        seconds = float(text)
    except ValueError:
        return True
    return seconds if math.isfinite(seconds) and 0 <= seconds <= _LONGEST_WAIT else seconds <= 0
