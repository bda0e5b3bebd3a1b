"""A lock that threads and processes share, through a file."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        # Not left to closing: a process that was forked meanwhile would go on holding it.
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class SharedLock:
    """Held by one thread of one process at a time; nobody waits in here.

    Without a file, or where the file system has no locks, it keeps only threads of this process apart. The system
    takes it from a process that ends.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._threads = threading.Lock()
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take it, if nobody else has it; whether that is so."""
        if not self._threads.acquire(blocking=False):
            return False
        try:
            taken = self._acquire_file()
        except BaseException:
            self._threads.release()
            raise
        if not taken:
            self._threads.release()
        return taken

    def _acquire_file(self) -> bool:
        if self._file is None:
            return True
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError:
            return True  # the folder is gone, or read-only: there is nothing to keep apart
        try:
            _lock(descriptor)
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            return False
        except OSError:  # no locks on this file system
            os.close(descriptor)
            return True
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let others have it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            _unlock(descriptor)
            os.close(descriptor)
        self._threads.release()
