"""Moments, as the database keeps them: microseconds since 1970."""

from __future__ import annotations

import datetime
import time

SECOND = 1_000_000
MINUTE = 60 * SECOND
LAST = 253_402_300_799 * SECOND  # the end of the year 9999, which calendars can still say


def now() -> int:
    """This moment."""
    return time.time_ns() // 1000


def after(seconds: float, moment: int) -> int:
    """So many seconds after a moment; the last moment there is, if that is later."""
    return int(min(moment + seconds * SECOND, LAST))


def text_of(moment: int | None) -> str | None:
    """A moment as ISO 8601 has it, in UTC."""
    if moment is None:
        return None
    return datetime.datetime.fromtimestamp(moment // SECOND, datetime.UTC).isoformat()
