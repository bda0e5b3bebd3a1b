"""Lengths of time, as people write them."""

from __future__ import annotations

import math
import re

_TEXT = re.compile(r"\s*(?P<number>\d{1,12})\s*(?P<unit>[smhdy]?)\s*")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
_LONGEST = 1000 * _SECONDS["y"]


def parse_duration(given: float | str) -> int:
    """Whole seconds: from a number of them, or from a text such as "30s", "5m", "1h", "3d", "3y"."""
    if isinstance(given, str):
        match = _TEXT.fullmatch(given)
        seconds = int(match["number"]) * _SECONDS[match["unit"]] if match else 0
    elif isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        seconds = 0
    else:
        seconds = int(given)
    if not 0 < seconds <= _LONGEST:
        raise ValueError(
            f"{given!r} is no length of time: expected seconds, or a number with one of the units s, m, h, d, y, such "
            "as '5m' or '3d'"
        )
    return seconds
