"""Large bodies from the socket straight into the memory where they belong.

An HTTP library copies a body several times on its way: into its parser's buffer, out of it, into pieces. For a body
whose length is known and that is not coded, the socket itself can fill the memory of the result. httpx gives access to
it ("network_stream" in the extensions of a response); the connection is not used again afterwards.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

from tiledkernel.client.light_httpx import httpx

WORTH_IT = 1 << 20  # bytes; below, a new connection costs more than the copies
WORTH_IT_FAR = 64 << 20  # the same, where a new connection takes round trips
_PORTION = 64 << 20  # bytes asked of the socket at once; some systems have limits


def plain_length(response: httpx.Response, *, near: bool) -> int | None:
    """How many bytes the body has, if it is large and travels as it is; else None."""
    headers = response.headers
    length = headers.get("content-length", "")
    is_plain = headers.get("content-encoding", "identity") == "identity" and "transfer-encoding" not in headers
    if response.http_version != "HTTP/1.1" or not is_plain or not length.isascii() or not length.isdigit():
        return None
    return int(length) if int(length) >= (WORTH_IT if near else WORTH_IT_FAR) else None


def socket_of(response: httpx.Response) -> Any:
    """The socket from which the body can be taken, or None if it has to go through the parser."""
    stream = response.extensions.get("network_stream")
    if stream is None or isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject):
        return None  # TLS within TLS: the socket carries the outer one
    found = stream.get_extra_info("socket")
    kind = ssl.SSLSocket if response.request.url.scheme == "https" else socket.socket
    return found if isinstance(found, kind) else None


def receive_straight(
    source: Any, targets: Iterator[memoryview], request: httpx.Request, check: Callable[[], None]
) -> None:
    """Fill the targets from a socket, whose timeout is that of the connection; `check` may end it by raising."""
    for target in targets:
        filled = 0
        while filled < target.nbytes:
            check()
            try:
                count = source.recv_into(target[filled : filled + _PORTION])
            except TimeoutError as error:
                raise httpx.ReadTimeout(str(error), request=request) from error
            except OSError as error:
                raise httpx.ReadError(str(error), request=request) from error
            if not count:
                raise httpx.RemoteProtocolError("the server ended in the middle of its answer", request=request)
            filled += count
