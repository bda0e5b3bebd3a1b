"""A document of a provider that is fetched when it is needed, and kept for a while."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tiledkernel.errors import NotReady

logger = logging.getLogger(__name__)

T = TypeVar("T")
FRESH = 600.0  # seconds for which a document is taken as it is
USABLE = 3600.0  # seconds for which it is taken if no newer one can be had
PAUSE = 10  # seconds between attempts at a provider that does not answer
RENEWAL = 30.0  # seconds between renewals that somebody else causes, such as by a key that nobody knows


class Kept(Generic[T]):
    """What `read` makes of a provider's answer; `read` raises NotReady if there is none that is good."""

    def __init__(self, read: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._reading = threading.Lock()
        self._kept: tuple[T, float] | None = None
        self._failed: tuple[NotReady, float] | None = None
        self._renewed = -RENEWAL

    def get(self) -> T:
        """The document; NotReady if there is none."""
        kept = self._kept
        if kept is not None and self._clock() - kept[1] < FRESH:
            return kept[0]
        wait = kept is None or not self._usable(kept)
        if not self._reading.acquire(blocking=wait):
            assert kept is not None
            return kept[0]  # somebody is asking already; nobody waits for that without need
        try:
            return self._kept[0] if self._kept is not None and self._kept is not kept else self._attempt()
        finally:
            self._reading.release()

    def renew(self, seen: T) -> T:
        """One that is newer than `seen`, if that is worth a question to the provider; else the one that there is."""
        with self._reading:  # those who miss the same thing wait for one answer
            kept, moment = self._kept, self._clock()
            if kept is not None and (kept[0] is not seen or moment - self._renewed < RENEWAL):
                return kept[0]
            self._renewed = moment
            return self._attempt()

    def _attempt(self) -> T:
        if self._failed is None or self._clock() - self._failed[1] >= PAUSE:
            try:
                document = self._read()
            except NotReady as error:
                logger.warning("%s", error)
                self._failed = error, self._clock()
            else:
                self._kept, self._failed = (document, self._clock()), None
                return document
        if self._kept is not None and self._usable(self._kept):
            return self._kept[0]
        raise type(self._failed[0])(str(self._failed[0]), PAUSE)

    def _usable(self, kept: tuple[T, float]) -> bool:
        return self._clock() - kept[1] < USABLE
