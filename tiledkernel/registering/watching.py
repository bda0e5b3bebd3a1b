"""Changes below a directory, as the operating system tells of them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

SETTLE = 400  # milliseconds during which changes are collected
LIBRARY = "watchfiles"


class Changes:
    """Paths that have changed since they were last taken."""

    def __init__(self) -> None:
        self._paths: set[Path] = set()
        self._news = asyncio.Event()
        self._failure: BaseException | None = None

    def add(self, paths: set[Path]) -> None:
        """Remember some."""
        self._paths |= paths
        self._news.set()

    def end(self, failure: BaseException) -> None:
        """Nothing more will come, because listening has failed."""
        self._failure = failure
        self._news.set()

    async def take(self) -> set[Path]:
        """All that have come, as soon as there are some; it raises what ended the listening."""
        await self._news.wait()
        if self._failure is not None:
            raise self._failure
        self._news.clear()
        taken, self._paths = self._paths, set()
        return taken


@asynccontextmanager
async def listening(directory: Path) -> AsyncIterator[Changes]:
    """Collect the changes below a directory; from the moment that this is entered none is missed."""
    stop = asyncio.Event()
    changes = Changes()
    library = _load()
    source = library.awatch(directory, watch_filter=None, debounce=SETTLE, step=SETTLE // 4, stop_event=stop)

    async def collect() -> None:
        try:
            async for batch in source:
                changes.add({Path(path) for _, path in batch})
        except Exception as error:  # noqa: BLE001 - it is raised to who waits for changes
            changes.end(error)

    task = asyncio.create_task(collect())
    await asyncio.sleep(0)  # its first step, up to where it waits, begins to listen
    try:
        yield changes
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


def _load() -> Any:
    try:
        return importlib.import_module(LIBRARY)
    except ImportError as error:
        raise ImportError(f"watching needs the package {LIBRARY!r}: pip install {LIBRARY}") from error
