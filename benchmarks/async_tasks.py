"""What an asynchronous program does with our client."""

from __future__ import annotations

import asyncio
from typing import Any

from counting import Counter
from tiled_tasks import Task, bytes_of, indices, total

from tiledkernel.client.aio import from_uri


class Tasks:
    """On an event loop that lives as long as this does."""

    def __init__(self, uri: str) -> None:
        self._counter = Counter()
        self._loop = asyncio.Runner()
        self._client = self._loop.run(from_uri(uri))

    def requests(self) -> int:
        return self._counter.count

    def array(self, path: str) -> Task:
        array = self._loop.run(awaited(self._client[path]))
        return lambda: self._loop.run(awaited(array.read())), bytes_of

    def slices(self, path: str, number: int) -> Task:
        """Many corners at once."""
        array = self._loop.run(awaited(self._client[path]))

        async def gather() -> list[Any]:
            return await asyncio.gather(*(array[:2, row : row + 2] for row in indices(number)))

        return lambda: self._loop.run(gather()), total

    def close(self) -> None:
        self._loop.run(self._client.context.aclose())
        self._loop.close()


async def awaited(found: Any) -> Any:
    return await found
