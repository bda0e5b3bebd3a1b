"""Moments as the catalog stores them: microseconds since 1970, in UTC."""

from __future__ import annotations

import datetime
import time


def now() -> int:
    """This moment."""
    return time.time_ns() // 1000


def moment(microseconds: int) -> datetime.datetime:
    """A stored moment, with its offset."""
    return datetime.datetime.fromtimestamp(microseconds / 1_000_000, datetime.UTC)
