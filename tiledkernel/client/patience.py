"""Tell the person who waits that something is being tried again: once, however many requests that are."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any, ClassVar, Self

from tiledkernel import references
from tiledkernel.client.progress import in_notebook

WORD = "Retrying…"


class Patience:
    """Around all attempts of one request; while some of any request go on, a spinner turns, or a word is said."""

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _waiting: ClassVar[int] = 0
    _spinner: ClassVar[Any] = None

    def __init__(self) -> None:
        self._noted = False

    def note(self, attempt: int) -> None:
        """An attempt begins; the first one is nothing to speak of."""
        if attempt < 2 or self._noted:
            return
        self._noted = True
        with self._lock:
            Patience._waiting += 1
            if Patience._waiting == 1:
                Patience._spinner = _show()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._noted:
            return
        with self._lock:
            Patience._waiting -= 1
            if not Patience._waiting and Patience._spinner is not None:
                Patience._spinner.stop()
                Patience._spinner = None


def _show() -> Any:
    """A spinner for a person at a terminal or notebook; None where the word is written once."""
    if sys.stderr is None:
        return None
    if not in_notebook() and not sys.stderr.isatty():
        print(WORD, file=sys.stderr)  # noqa: T201 - for the person who waits
        return None
    console = references.load("rich.console:Console")(stderr=not in_notebook())
    status = console.status(WORD)
    status.start()
    return status
