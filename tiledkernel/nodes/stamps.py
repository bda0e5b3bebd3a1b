"""Stamps of files: what changes on disk when a file changes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

Stamp: TypeAlias = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """A value that differs after the file was changed or replaced; None if it is gone, or cannot be looked at."""
    try:
        return stamp_of_status(path.stat())
    except OSError:
        return None


def stamp_of_status(status: os.stat_result) -> Stamp:
    """The same for a file that is open, from `os.fstat`."""
    return status.st_mtime_ns, status.st_size, status.st_ino
