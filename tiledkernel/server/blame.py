"""Who is to blame: whatever a reader, a node or an encoder raises becomes an error that names it."""

from __future__ import annotations

import asyncio
import errno
import logging
from types import TracebackType
from typing import TYPE_CHECKING

from tiledkernel.errors import Gone, KernelError, NotReady, ReadFailed, StorageFull, Unavailable

if TYPE_CHECKING:
    from tiledkernel.server.resolve import Entry

logger = logging.getLogger(__name__)

MAX_REASON = 300  # characters
FAILURES = (ReadFailed, Gone, NotReady)  # errors that concern one node, not the request
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_FAILURES = (KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)


class Blaming:
    """`with Blaming(entry):` failures in the block are those of the entry's plugin, or of its node's class.

    This includes what is no `Exception`: `sys.exit` in a reader, or a panic in a library written in Rust, must not
    end the server.
    """

    __slots__ = ("_entry",)

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and (blamed := blame(error, self._entry)) is not error:
            raise blamed from _cause(error)


def blame(error: BaseException, entry: Entry) -> BaseException:
    """What a failure while reading is for the caller; errors that are meant for the caller stay as they are."""
    if isinstance(error, _NO_FAILURES) or (isinstance(error, KernelError) and not isinstance(error, ReadFailed)):
        return error
    cause = _cause(error)
    if isinstance(cause, OSError) and cause.errno in _FULL:
        return StorageFull("the disk of the server is full: nothing was changed")
    path = "/".join(entry.path)
    file = entry.origin
    source = type(entry.node).__name__ if file is None else f"plugin {file.plugin!r}"
    logger.warning("%s failed while reading %r", source, path, exc_info=cause)
    if file is not None:
        return Unavailable(f"{path!r} is unavailable: {source} could not read it: {file.reason(cause)}")
    if isinstance(cause, ReadFailed):
        return ReadFailed(f"{path!r} could not be read: {source}: {say(cause)}")
    return ReadFailed(f"{path!r} could not be read: {source} raised {type(cause).__name__}")


def _cause(error: BaseException) -> BaseException:
    """What a plugin raised, without what says only that it did."""
    while isinstance(error, ReadFailed) and error.__cause__ is not None:
        error = error.__cause__
    return error


def say(error: BaseException) -> str:
    """An error in one line, even if it cannot describe itself."""
    try:
        text = str(error).strip().partition("\n")[0]
    except Exception:  # noqa: BLE001 - a plugin's exception may raise anything
        text = ""
    text = text if isinstance(error, KernelError) else f"{type(error).__name__}: {text}".rstrip(": ")
    return text[:MAX_REASON]
