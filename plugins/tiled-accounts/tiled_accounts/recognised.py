"""Credentials that were verified lately, by their digests, so that a request costs no look-up."""

from __future__ import annotations

import threading

from tiledkernel.access.viewer import Viewer

SIZE = 5_000


class Known:
    """A verified credential: who presents it, until when it is good, and whose activity it is.

    `expires` is in seconds since 1970; `key` is the id of an API key, None for a token.
    """

    __slots__ = ("expires", "key", "principal", "viewer")

    def __init__(self, viewer: Viewer, expires: float, principal: int, key: int | None = None) -> None:
        self.viewer = viewer
        self.expires = expires
        self.principal = principal
        self.key = key


class Recognised:
    """Keeps the latest; all are forgotten when something changed.

    What was read before a change and arrives after it is not taken: whoever reads notes the `generation` before.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._known: dict[bytes, Known] = {}
        self._lock = threading.Lock()
        self.generation = 0
        self.get = self._known.get

    def put(self, digest: bytes, known: Known, generation: int) -> None:
        """Keep a credential that was looked up at a generation; the oldest one goes if there are too many."""
        with self._lock:
            if generation != self.generation:
                return
            if len(self._known) >= self._size and digest not in self._known:
                del self._known[next(iter(self._known))]
            self._known[digest] = known

    def drop(self, digest: bytes) -> None:
        """Forget one."""
        with self._lock:
            self._known.pop(digest, None)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self.generation += 1
            self._known.clear()
