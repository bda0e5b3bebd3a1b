"""Something that is made of a file, and made anew when the file changes; a thread looks, nobody else waits."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from tiledkernel.errors import KernelError
from tiledkernel.nodes.stamps import Stamp, stamp_of

logger = logging.getLogger(__name__)

T = TypeVar("T")
PERIOD = 0.5  # seconds between two looks


class Watched(Generic[T]):
    """The value that `read` makes of a file, all or nothing: one that cannot be read leaves the former in force.

    A change is taken up when two looks in a row have seen the same, so that no half of a file is read.
    """

    def __init__(self, path: Path, read: Callable[[Path], T], what: str) -> None:
        self.path = path
        self._read = read
        self._what = what
        self._state = read(path), 0  # which changes as one
        self._seen: Stamp | None = None
        self._taken: Stamp | tuple[()] | None = ()  # none yet: what was read might have changed meanwhile
        self._thread = self._start()

    @property
    def value(self) -> T:
        """What the file says, as far as it makes sense."""
        return self._state[0]

    def revision(self) -> int:
        """How many times the value has changed."""
        if not self._thread.is_alive():  # in a process that was forked
            self._thread = self._start()
        return self._state[1]

    def look(self) -> None:
        """Read the file again if it has changed, and is not changing."""
        stamp = stamp_of(self.path)
        if stamp == self._taken:
            return
        if stamp != self._seen:
            self._seen = stamp
            return
        self._taken = stamp
        try:
            value = self._read(self.path)
        except KernelError as error:
            logger.error("%s cannot be taken over, so the former stay in force:\n%s", self._what, error)  # noqa: TRY400 - the message says it all
        except Exception:
            logger.exception("%s cannot be taken over, so the former stay in force", self._what)
        else:
            self._take(value)

    def _take(self, value: T) -> None:
        former, revision = self._state
        if value != former:
            self._state = value, revision + 1
            logger.info("%s: taken over from %s", self._what, self.path)

    def _start(self) -> threading.Thread:
        thread = threading.Thread(target=_watch, args=(weakref.ref(self),), name=f"watch {self.path}", daemon=True)
        thread.start()
        return thread


def _watch(reference: weakref.ref[Watched[T]]) -> None:
    """Look from time to time, as long as somebody is interested."""
    while True:
        time.sleep(PERIOD)
        watched = reference()
        if watched is None:
            return
        watched.look()
        del watched
