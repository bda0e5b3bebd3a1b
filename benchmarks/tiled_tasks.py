"""What a scientist does with a client of Tiled: ours, or the reference's, which has the same names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from counting import Counter

Task = tuple[Callable[[], Any], Callable[[Any], int]]
bytes_of = attrgetter("nbytes")


class Tasks:
    """Of the client in `module`, connected to `uri`; with a response cache if `cache` names a file for it."""

    def __init__(self, module: str, uri: str, cache: str | None = None) -> None:
        self._counter = Counter()
        self._from_uri = importlib.import_module(module).from_uri
        self._uri = uri
        options = {"cache": importlib.import_module(f"{module}.cache").Cache(cache)} if cache else {}
        self._client = self._from_uri(uri, **options)

    def requests(self) -> int:
        return self._counter.count

    def connect(self) -> Task:
        return lambda: self._from_uri(self._uri), closed

    def lookup(self, path: str) -> Task:
        return lambda: self._client[path], bytes_of

    def keys(self, path: str) -> Task:
        container = self._client[path]
        return lambda: list(container), len

    def array(self, path: str) -> Task:
        array = self._client[path]
        return array.read, bytes_of

    def slice(self, path: str, stop: int) -> Task:
        """One corner of an array."""
        array = self._client[path]
        return lambda: array[:stop, :stop], bytes_of

    def slices(self, path: str, number: int) -> Task:
        """Many corners, one after the other."""
        array = self._client[path]
        return lambda: [array[:2, row : row + 2] for row in indices(number)], total

    def lookup_and_slice(self, path: str, start: int, stop: int) -> Task:
        return lambda: self._client[path][start:stop, start:stop], bytes_of

    def table(self, path: str) -> Task:
        table = self._client[path]
        return table.read, len

    def close(self) -> None:
        closed(self._client)


def closed(client: Any) -> int:
    """Let go of the connections; 1, for one client."""
    client.context.http_client.close()
    return 1


def indices(number: int) -> list[int]:
    """Not always the same, within what a block has."""
    return [index % 60 for index in range(number)]


def total(arrays: list[Any]) -> int:
    return sum(map(bytes_of, arrays))
