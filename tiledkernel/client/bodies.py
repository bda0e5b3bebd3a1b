"""Bodies of answers: decoded as they arrive, into memory that is already there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tiledkernel.client.decoders import decode
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.messages import UnexpectedAnswer


def pieces_of(response: httpx.Response) -> Iterator[Any]:
    """The decoded body piece by piece, bytes-like; httpx itself does not know all codings."""
    return decode(response.iter_raw(), response.headers.get("content-encoding", ""))


def read_bytes(response: httpx.Response) -> bytes:
    """The whole decoded body."""
    return b"".join(pieces_of(response))


def read_into(response: httpx.Response, targets: Iterable[memoryview]) -> None:
    """Fill the targets one after the other with the decoded body; UnexpectedAnswer if the sizes differ."""
    fill(targets, pieces_of(response))


def fill(targets: Iterable[memoryview], pieces: Iterable[Any]) -> None:
    """Copy the pieces into the targets, which they must fill exactly."""
    remaining = iter(targets)
    target = next(remaining, None)
    position = received = 0
    for piece in pieces:
        view = memoryview(piece).cast("B") if len(piece) else memoryview(b"")
        received += view.nbytes
        while view.nbytes:
            if target is None:
                raise UnexpectedAnswer(f"the answer is longer than the data that were asked for: {received} bytes came")
            count = min(view.nbytes, target.nbytes - position)
            target[position : position + count] = view[:count]
            view, position = view[count:], position + count
            if position == target.nbytes:
                target, position = next(remaining, None), 0
    if target is not None:
        raise UnexpectedAnswer(f"the answer is shorter than the data that were asked for: only {received} bytes came")
