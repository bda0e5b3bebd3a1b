"""What a handler answers; `server/responses.py` turns it into bytes.

A handler decides what is sent, in which format and how its state is told from another, but does not read: `work`
does, later, and only if the client has no current copy.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from msgspec import Struct

from tiledkernel.encoding import Body
from tiledkernel.nodes.protocols import EncodedBlock


class Message(Struct, frozen=True):
    """A control message, sent as JSON or msgpack as the client prefers; `version` is that of the node it describes."""

    content: Any
    headers: tuple[tuple[bytes, bytes], ...] = ()
    version: int | None = None


class Payload(Struct, frozen=True, kw_only=True):
    """Data in some format.

    - `stamp`: differs after every change of what is sent; None if nobody can tell.
    - `nbytes`: about how much memory `work` needs; `length`: exact size of the body if it is known beforehand.
    - `itemsize`: of the elements, which helps compressors.
    """

    media_type: str
    work: Callable[[], Body | EncodedBlock]
    stamp: Hashable = None
    nbytes: int = 0
    length: int | None = None
    itemsize: int = 1
    filename: str | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Document(Struct, frozen=True, kw_only=True):
    """A finished text, such as a page."""

    media_type: str
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Reply(Struct, frozen=True, kw_only=True):
    """A short answer that concerns one caller, at this time: it is never kept, neither by caches nor by browsers."""

    body: bytes = b""
    media_type: str | None = None
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()


class File(Struct, frozen=True, kw_only=True):
    """The bytes of a file as they are; ranges are honoured."""

    path: Path
    filename: str
    media_type: str
