"""Show how far a read of several requests has come, to a person who waits."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tiledkernel import references

T = TypeVar("T")

_OFF = ("0", "false", "no")


class Progress:
    """Shows one bar at a time, and only in interactive sessions."""

    def __init__(self, show: bool | None = None) -> None:  # noqa: FBT001 - the setting of that name
        self.show = wanted_by_environment() if show is None else show
        self._shown = threading.Lock()

    @contextmanager
    def tracking(self, total: int) -> Iterator[Callable[[T], T]]:
        """A function to pass each result through as it comes, of `total`."""
        worthwhile = total > 1 and self.show and is_interactive()
        if not worthwhile or not self._shown.acquire(blocking=False):
            yield _unseen
            return
        try:
            with references.load("tiledkernel.client.progress_bar:bar")(total) as advance:

                def passing(result: T) -> T:
                    advance()
                    return result

                yield passing
        finally:
            self._shown.release()


def _unseen(result: T) -> T:
    return result


def wanted_by_environment() -> bool:
    """Whether TILED_SHOW_PROGRESS is not switched off."""
    return os.environ.get("TILED_SHOW_PROGRESS", "1").strip().lower() not in _OFF


def is_interactive() -> bool:
    """Whether a person is at a prompt or in a notebook."""
    if in_notebook():
        return True
    at_prompt = hasattr(sys, "ps1") or bool(sys.flags.interactive) or _ipython() is not None
    return at_prompt and sys.stderr is not None and sys.stderr.isatty()


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook, where there is no terminal."""
    shell = _ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def in_ipython() -> bool:
    """Whether IPython runs, at a terminal or in a notebook."""
    return _ipython() is not None


def _ipython() -> Any:
    """The running IPython, if any; it is not imported for this."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()
