"""What a search through a whole tree found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from tiledkernel.client.calls import Listing
from tiledkernel.client.connection import CannotWait
from tiledkernel.client.errors import ClientError
from tiledkernel.client.pages import Pages
from tiledkernel.client.plans import Plan, ask_message
from tiledkernel.client.sorting import Direction
from tiledkernel.client.uris import join_path, split_path
from tiledkernel.client.views import View
from tiledkernel.queries import KeyLookup, SearchQuery

if TYPE_CHECKING:
    from tiledkernel.families.container.client import Container

T = TypeVar("T")

Path = tuple[str, ...]


class DeepSearchResults(Mapping[Path, Any]):
    """A mapping of paths, relative to where the search began, to clients; pages are fetched as they are needed."""

    def __init__(self, start: Container, link: str, queries: Sequence[SearchQuery], max_depth: int | None) -> None:
        self._start = start
        self._listing = Listing(url=link, queries=tuple(queries), max_depth=max_depth)

    def __getitem__(self, key: Path | str) -> Any:
        return self._start._run(self._finding(key))  # noqa: SLF001 - its results are its children

    def _finding(self, key: Path | str) -> Plan[Any]:
        path = split_path(key) if isinstance(key, str) else tuple(key)
        depth = self._listing.max_depth
        if path and (depth is None or len(path) <= depth):
            found = yield from self._looking_up(path)
            if found:
                return self._start._client_of(found[0])  # noqa: SLF001 - its results are its children
        raise KeyError(key)

    def _looking_up(self, path: Path) -> Plan[list[Mapping[str, Any]]]:
        """The node at a path if it is among the results: asked of the container that holds it, in one request."""
        listing = Listing(
            url=join_path(self._start.item["links"]["search"], path[:-1]),
            queries=(*self._listing.queries, KeyLookup(path[-1])),
        )
        try:
            answer = yield from ask_message(listing.page())
        except ClientError as error:
            if error.response.status_code == 404:  # what should hold it is not there
                return []
            raise
        found: list[Mapping[str, Any]] = answer["data"]
        return found

    def __iter__(self) -> Iterator[Path]:
        return iter(self.keys())

    def __aiter__(self) -> AsyncIterator[Path]:
        return self.keys().__aiter__()

    def __len__(self) -> int:
        return len(self.keys())

    def count(self) -> int:
        """How many there are: what len() says, and an asynchronous program cannot ask in that way."""
        return self.keys().count()

    def _counting(self) -> Plan[int]:
        page = yield from ask_message(replace(self._listing, fields="count").page())
        count: int = page["meta"]["count"]
        return count

    def keys(self) -> View[Path]:  # type: ignore[override]  # a view that can be sliced
        """The paths, as a view that can be sliced from its beginning."""
        return self._view(self._path_of)

    def values(self) -> View[Any]:  # type: ignore[override]  # a view that can be sliced
        """The clients, as a view that can be sliced from its beginning."""
        return self._view(self._client_of)

    def items(self) -> View[tuple[Path, Any]]:  # type: ignore[override]  # a view that can be sliced
        """Pairs of path and client, as a view that can be sliced from its beginning."""
        return self._view(lambda item: (self._path_of(item), self._client_of(item)))

    def _view(self, made: Callable[[Mapping[str, Any]], T]) -> View[T]:
        return View(self._start, partial(self._pages_of, made), self._counting)

    def _pages_of(
        self,
        made: Callable[[Mapping[str, Any]], T],
        start: int,
        count: int | None,
        direction: Direction,
        page_size: int | None,
    ) -> Iterator[Plan[Sequence[T]]]:
        if direction < 0:
            raise ValueError(
                "the results of a deep search can only be read from their beginning: use first() or head()"
            )
        limits = [limit for limit in (count, page_size) if limit is not None]
        reading = Pages(self._listing, direction, start, min(limits, default=None))
        while reading.call is not None:
            yield _reading_page(reading, made)

    def _path_of(self, item: Mapping[str, Any]) -> Path:
        full = [part for part in [*item["attributes"]["ancestors"], item["id"]] if part]
        return tuple(full[len(self._start.path_parts) :])

    def _client_of(self, item: Mapping[str, Any]) -> Any:
        return self._start._listed_client(item)  # noqa: SLF001 - its results are its children

    def __repr__(self) -> str:
        try:
            return f"<DeepSearchResults ({len(self)} results)>"
        except CannotWait:
            return "<DeepSearchResults>"


def _reading_page(reading: Pages, made: Callable[[Mapping[str, Any]], T]) -> Plan[Sequence[T]]:
    return [made(item) for item in (yield from reading.next_page())]
