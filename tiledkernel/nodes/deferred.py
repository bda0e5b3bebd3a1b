"""Children that are made when somebody touches them."""

from __future__ import annotations

import threading
from typing import Any

from tiledkernel import references
from tiledkernel.records import Ref


class Deferred:
    """Stands in a container for what `make`, a function of no arguments, returns: a node, or what a family adopts.

    The function is imported and called once, when the child is first looked at.
    """

    def __init__(self, make: Ref) -> None:
        self._make = make
        self._made: Any = None
        self._lock = threading.Lock()

    @property
    def is_made(self) -> bool:
        """Whether somebody has looked at it."""
        return self._made is not None

    def get(self) -> Any:
        """What it stands for; of several threads that ask at once one makes it, and the others wait."""
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = references.load(self._make)()
        return self._made

    def __repr__(self) -> str:
        return f"<Deferred {self._make!r}>"
