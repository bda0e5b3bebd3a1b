"""Several things at once in threads, and none of them any longer when one has failed or nobody waits any more."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """Something else that was done at the same time has failed: this is not wanted any more."""


class Stop:
    """Tells whether work should end; it also ends with the work that it is a part of."""

    def __init__(self, outer: Stop | None = None) -> None:
        self._outer = outer
        self._event = threading.Event()

    def set(self) -> None:
        """The work should end."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether it should."""
        return self._event.is_set() or (self._outer is not None and self._outer.is_set())

    def check(self) -> None:
        """Raise `Stopped` if it should."""
        if self.is_set():
            raise Stopped


def run_side_by_side(tasks: Sequence[Callable[[], T]], workers: int, stop: Stop) -> list[T]:
    """The results of the tasks, in order; the first failure sets `stop` and is raised at once.

    Who is interrupted while waiting here (Ctrl-C) does not wait for what still runs: the threads are daemons.
    """
    pending = deque(enumerate(tasks))
    results: dict[int, T] = {}
    news: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            while not stop.is_set():
                try:
                    place, task = pending.popleft()
                except IndexError:
                    break
                results[place] = task()
        except BaseException as error:  # noqa: BLE001 - it is raised by who waits
            stop.set()
            news.put(error)
        else:
            news.put(None)

    try:
        for _ in range(workers):
            threading.Thread(target=work, name="tiledkernel-client", daemon=True).start()
        for _ in range(workers):
            error = news.get()
            if error is not None and not isinstance(error, Stopped):
                raise error
        stop.check()
        return [results[place] for place in range(len(tasks))]
    finally:
        stop.set()
        pending.clear()
        error = None  # an exception that refers to this frame would be a cycle
