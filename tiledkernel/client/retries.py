"""Which failed requests are made again, and when."""

from __future__ import annotations

import logging
import math
import os
import socket
import ssl
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import stamina

from tiledkernel.client.errors import StatusError
from tiledkernel.client.freshness import parse_date
from tiledkernel.client.light_httpx import httpx

# Where no logging is set up, Python would print stamina's notes; the person who waits gets one word instead.
logging.getLogger("stamina").addHandler(logging.NullHandler())

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_NOT_DONE = "surely_not_done"
_LONGEST_WAIT = 60.0  # seconds; a server that wants more is not waited for


def attempts(most: int | None = None, wanted: Callable[[], bool] = lambda: True) -> Any:
    """What yields contexts to make one attempt each in, for `for` and for `async for`.

    An attempt that fails in a way that may pass is followed by another, unless it was the last of `most`, or is not
    `wanted` any more.
    """
    number = most or int(_setting("TILED_RETRY_ATTEMPTS", "10"))
    timeout = _setting("TILED_RETRY_TIMEOUT", "45")
    deadline = time.monotonic() + timeout

    def again(error: Exception) -> bool | float:
        if not wanted():
            return False
        pause = retry_after(error)
        too_long = not isinstance(pause, bool) and time.monotonic() + pause > deadline
        return False if too_long else pause

    return stamina.retry_context(on=again, attempts=number, timeout=timeout)


def _setting(name: str, default: str) -> float:
    text = os.environ.get(name, default)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"the environment variable {name} is {text!r}: expected a number") from None


def retry_after(error: Exception) -> bool | float:
    """Whether it is worth to ask again: no, yes, or after how many seconds."""
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        if status != 429 and status < 500:
            return False
        return _parse_seconds(error.response.headers.get("retry-after", ""))
    return isinstance(error, httpx.TransportError) and not _is_hopeless(error)


class Doubt:
    """Around each attempt of a request: whether one of them may have been carried out although no answer says so.

    An error of status that comes later is told (`after_doubt`).
    """

    def __init__(self, *, repeatable: bool) -> None:
        self._repeatable = repeatable
        self._remains = False

    @property
    def allows_another(self) -> bool:
        """Whether the request may be made again."""
        return self._repeatable or not self._remains

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, StatusError):
            error.after_doubt = self._remains
        self._remains = self._remains or may_be_done(error)


def surely_not_done(error: Exception) -> None:
    """Note of an error that it came before the request could be carried out: of something that this needs first."""
    vars(error)[_NOT_DONE] = True


def may_be_done(error: BaseException | None) -> bool:
    """Whether a request that failed so may have been carried out all the same."""
    if error is not None and vars(error).get(_NOT_DONE):
        return False
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError) and not isinstance(error, _NEVER_SENT)


def _is_hopeless(error: BaseException | None) -> bool:
    """Whether an error has a cause that does not pass: a wrong protocol, certificate or host name."""
    while error is not None:
        if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError, ssl.SSLCertVerificationError)):
            return True
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
            return True
        error = error.__cause__ or error.__context__
    return False


def _parse_seconds(text: str) -> bool | float:
    """The wait that the server asked for, as a number or a date; True if it named none."""
    try:
        seconds = float(text)
    except ValueError:
        moment = parse_date(text)
        if moment is None:
            return True
        seconds = max(0.0, moment - time.time())
    return seconds if math.isfinite(seconds) and 0 <= seconds <= _LONGEST_WAIT else seconds <= 0
