"""Opened files, kept while they are in use and unchanged."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from tiledkernel.errors import ConfigurationError

if sys.platform != "win32":
    import resource

SIZE_VARIABLE = "TILED_RESOURCE_CACHE_MAX_SIZE"
IDLE_VARIABLE = "TILED_RESOURCE_CACHE_TTU"
DEFAULT_SIZE = 1024
DEFAULT_IDLE = 60.0  # seconds
_MAX_REPORTED = 10_000


class OpenFiles:
    """The latest opened files, each with the stamp that it had; a `max_size` of 0 keeps none.

    Those that nobody asked for during `max_idle` seconds are dropped when the next file is asked for. What is dropped
    is not closed: a request may still be reading it. It closes when nobody refers to it any more.
    """

    def __init__(self, max_size: int | None = None, max_idle: float | None = None) -> None:
        self._max_size = configured_size() if max_size is None else max_size
        self._max_idle = configured_idle() if max_idle is None else max_idle
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()
        self._reported: OrderedDict[Hashable, Hashable] = OrderedDict()
        self._lock = threading.Lock()

    def peek(self, key: Hashable, stamp: Hashable) -> Any | None:
        """The opened file if it is here and has not changed; never waits."""
        with self._lock:
            slot = self._slots.get(key)
            if slot is None:
                return None
            self._touch(key, slot)
            return slot.get(stamp)

    def get(self, key: Hashable, stamp: Hashable, open_file: Callable[[], Any]) -> Any:
        """The opened file; of several threads that ask at once one opens it, and the others wait."""
        if self._max_size <= 0:
            return open_file()
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._touch(key, slot)
            self._drop()
        with slot.lock:
            opened = slot.get(stamp)
            if opened is None:
                slot.put(None, None)  # let the old one go before the new one comes
                opened = open_file()
                slot.put(stamp, opened)
            return opened

    def first_failure(self, key: Hashable, stamp: Hashable) -> bool:
        """Whether this failure is news: the first one of this file since it changed."""
        with self._lock:
            known = self._reported.get(key)
            self._reported[key] = stamp
            self._reported.move_to_end(key)
            if len(self._reported) > _MAX_REPORTED:
                self._reported.popitem(last=False)
        return known != stamp

    def _touch(self, key: Hashable, slot: _Slot) -> None:
        self._slots.move_to_end(key)
        slot.used = time.monotonic()

    def _drop(self) -> None:
        """Let go of the files that were not used for longest."""
        limit = time.monotonic() - self._max_idle
        while self._slots:
            key, oldest = next(iter(self._slots.items()))
            if len(self._slots) <= self._max_size and oldest.used >= limit:
                return
            del self._slots[key]

    def __len__(self) -> int:
        return sum(slot.content is not None for slot in list(self._slots.values()))


class _Slot:
    """A place for one opened file."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.used = 0.0
        self.content: tuple[Hashable, Any] | None = None  # replaced as a whole, so that reading needs no lock

    def get(self, stamp: Hashable) -> Any | None:
        content = self.content
        return content[1] if content is not None and content[0] == stamp else None

    def put(self, stamp: Hashable, opened: Any) -> None:
        self.content = None if opened is None else (stamp, opened)


def configured_size() -> int:
    """How many files may stay open: the environment's word, else 1024 or half of what the system lets us open."""
    if os.environ.get(SIZE_VARIABLE):
        return int(_number(SIZE_VARIABLE))
    if sys.platform == "win32":
        return DEFAULT_SIZE
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return DEFAULT_SIZE if soft == resource.RLIM_INFINITY else min(DEFAULT_SIZE, soft // 2)


def configured_idle() -> float:
    """For how many seconds an unused file stays open."""
    return _number(IDLE_VARIABLE) if os.environ.get(IDLE_VARIABLE) else DEFAULT_IDLE


def _number(variable: str) -> float:
    text = os.environ[variable]
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise ConfigurationError(f"{variable}={text!r} cannot be used: expected a number, 0 or more")
    return number
