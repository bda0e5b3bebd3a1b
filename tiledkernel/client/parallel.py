"""Do several things at once, and none of them any longer when one has failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """Raised by a task that notices that its work is not wanted any more."""


def run_parallel(tasks: Sequence[Callable[[threading.Event], T]], workers: int) -> list[T]:
    """The results of the tasks, in order; the first failure ends all and is raised.

    A task gets an event that is set when it should give up (by raising `Stopped`).
    """
    stop = threading.Event()
    if len(tasks) < 2 or workers < 2:
        return [task(stop) for task in tasks]
    with ThreadPoolExecutor(min(workers, len(tasks)), thread_name_prefix="tiledkernel-client") as executor:
        futures = [executor.submit(task, stop) for task in tasks]
        try:
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future in finished and not isinstance(future.exception(), (Stopped, type(None))):
                    future.result()
            return [future.result() for future in futures]
        finally:
            stop.set()
            executor.shutdown(wait=False, cancel_futures=True)
