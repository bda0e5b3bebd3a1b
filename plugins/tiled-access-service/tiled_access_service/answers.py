"""Answers that were given a moment ago, for as long as they hold."""

from __future__ import annotations

import time
from typing import Any

MAX_ANSWERS = 10_000


class Answers:
    """Remembers answers by their question; all of one period are forgotten together, so that none holds longer."""

    def __init__(self, period: float) -> None:
        self._period = period
        self._epoch = 0.0
        self._known: dict[bytes, Any] = {}

    def get(self, question: bytes) -> Any | None:
        """The answer, if it still holds."""
        return self._current().get(question)

    def put(self, question: bytes, answer: Any, asked: float) -> None:
        """Remember an answer to what was `asked` then, by `time.monotonic`."""
        known = self._current()
        if self._period and asked // self._period == self._epoch:
            known[question] = answer

    def _current(self) -> dict[bytes, Any]:
        epoch = time.monotonic() // self._period if self._period else 0.0
        if epoch != self._epoch or len(self._known) >= MAX_ANSWERS:
            self._known, self._epoch = {}, epoch
        return self._known
