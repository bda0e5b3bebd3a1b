"""The log of one server among several in a process: two files in a folder."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from tiledkernel.server.background import thread_name

ACCESS, ERROR = "access.log", "error.log"
_SOURCES = ("tiledkernel", "uvicorn")
_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_access(folder: Path, afterwards: contextlib.ExitStack) -> logging.Logger:
    """A logger of requests that nobody else knows, which writes to a file."""
    handler = logging.FileHandler(folder / ACCESS, encoding="utf-8")
    afterwards.callback(handler.close)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.Logger("tiledkernel.access", logging.INFO)  # noqa: LOG001 - one that `getLogger` knows is shared
    logger.addHandler(handler)
    return logger


def log_errors(folder: Path, port: int, afterwards: contextlib.ExitStack) -> None:
    """Write to a file what the libraries of the server log, unless it comes from the thread of another server."""
    own, anyone = thread_name(port), thread_name("")
    handler = logging.FileHandler(folder / ERROR, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_LINE))
    handler.addFilter(lambda record: (name := record.threadName or "") == own or not name.startswith(anyone))
    afterwards.callback(handler.close)
    for source in map(logging.getLogger, _SOURCES):
        source.addHandler(handler)
        afterwards.callback(source.removeHandler, handler)
