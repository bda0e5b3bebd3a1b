"""What a tree wants done before, while and after it is served: its start-up, background and shutdown tasks.

They begin when somebody first looks at the tree, so that it does not matter whether the server has a life span, and
how often the tree is served. They run where all coroutines of adapters run.
"""

from __future__ import annotations

import atexit
import inspect
import logging
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from tiled_bridge.calls import name_of, settle, value_of
from tiled_bridge.event_loop import shared_loop
from tiledkernel.errors import KernelError, ReadFailed

logger = logging.getLogger(__name__)

TASKS = ("startup_tasks", "background_tasks", "shutdown_tasks", "include_routers")
SHUTDOWN_PATIENCE = 10.0  # seconds for each task

_begun: dict[int, Any] = {}  # adapters by identity: they may be mappings, which have no hash
_beginning = threading.RLock()


def begin(adapter: Any) -> None:
    """Run the start-up tasks of an adapter and start those for the background, the first time it is asked for.

    What a start-up task raises is raised here, and tried again the next time.
    """
    if id(adapter) in _begun or not any(getattr(adapter, name, None) for name in TASKS):
        return
    with _beginning:
        if id(adapter) in _begun:
            return
        _start_up(adapter)
        _begun[id(adapter)] = _reference(adapter)
        for task in _tasks(adapter, "background_tasks"):
            _start(task, name_of(adapter))
        for task in _tasks(adapter, "shutdown_tasks"):
            atexit.register(_finish, task, name_of(adapter))
        if getattr(adapter, "include_routers", None):
            logger.warning("the routers of %s are not served: routes come with plugins here", name_of(adapter))


def _start_up(adapter: Any) -> None:
    try:
        for task in _tasks(adapter, "startup_tasks"):
            settle(task())
    except KernelError:
        raise
    except Exception as error:  # of whatever kind: a KeyError is not about a key that somebody asked for
        raise ReadFailed(f"{name_of(adapter)} could not be started") from error


def _tasks(adapter: Any, name: str) -> Iterable[Callable[[], Any]]:
    return tuple(value_of(adapter, name) or ())


def _reference(adapter: Any) -> Any:
    """Something that tells when the adapter vanishes, and its identity may become another's."""
    key = id(adapter)
    try:
        return weakref.ref(adapter, lambda _: _begun.pop(key, None))
    except TypeError:
        return adapter  # kept, so that its identity stays its own


def _start(task: Callable[[], Any], source: str) -> None:
    if not inspect.iscoroutinefunction(task):
        threading.Thread(target=_run, args=(task, source), name=f"{source} task", daemon=True).start()
        return
    shared_loop().start(_watched(task, source))


async def _watched(task: Callable[[], Any], source: str) -> None:
    try:
        await task()
    except Exception:
        logger.exception("a background task of %s failed", source)


def _run(task: Callable[[], Any], source: str) -> None:
    try:
        settle(task())
    except Exception:
        logger.exception("a background task of %s failed", source)


def _finish(task: Callable[[], Any], source: str) -> None:
    try:
        found = task()
        if inspect.isawaitable(found):
            shared_loop().wait_for(found, SHUTDOWN_PATIENCE)
    except Exception:
        logger.exception("a shutdown task of %s failed", source)
