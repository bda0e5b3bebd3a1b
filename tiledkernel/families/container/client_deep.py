"""What a search through a whole tree found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tiledkernel.client.calls import Listing
from tiledkernel.client.errors import ClientError
from tiledkernel.client.sorting import Direction
from tiledkernel.client.uris import join_path, split_path
from tiledkernel.client.views import View
from tiledkernel.queries import KeyLookup, SearchQuery

if TYPE_CHECKING:
    from tiledkernel.families.container.client import Container

Path = tuple[str, ...]


class DeepSearchResults(Mapping[Path, Any]):
    """A mapping of paths, relative to where the search began, to clients; pages are fetched as they are needed."""

    def __init__(self, start: Container, link: str, queries: Sequence[SearchQuery], max_depth: int | None) -> None:
        self._start = start
        self._listing = Listing(url=link, queries=tuple(queries), max_depth=max_depth)

    def __getitem__(self, key: Path | str) -> Any:
        path = split_path(key) if isinstance(key, str) else tuple(key)
        depth = self._listing.max_depth
        if path and (depth is None or len(path) <= depth):
            found = self._look_up(path)
            if found:
                return self._start._client_of(found[0])  # noqa: SLF001 - its results are its children
        raise KeyError(key)

    def _look_up(self, path: Path) -> list[Mapping[str, Any]]:
        """The node at a path if it is among the results: asked of the container that holds it, in one request."""
        listing = Listing(
            url=join_path(self._start.item["links"]["search"], path[:-1]),
            queries=(*self._listing.queries, KeyLookup(path[-1])),
        )
        try:
            found: list[Mapping[str, Any]] = self._start.context.message(listing.page())["data"]
        except ClientError as error:
            if error.response.status_code == 404:  # what should hold it is not there
                return []
            raise
        return found

    def __iter__(self) -> Iterator[Path]:
        return iter(self.keys())

    def __len__(self) -> int:
        counting = replace(self._listing, fields="count")
        count: int = self._start.context.message(counting.page())["meta"]["count"]
        return count

    def keys(self) -> View[Path]:  # type: ignore[override]  # a view that can be sliced
        """The paths, as a view that can be sliced from its beginning."""
        return View(lambda *where: (self._path_of(item) for item in self._items(*where)), self.__len__)

    def values(self) -> View[Any]:  # type: ignore[override]  # a view that can be sliced
        """The clients, as a view that can be sliced from its beginning."""
        return View(lambda *where: (self._client_of(item) for item in self._items(*where)), self.__len__)

    def items(self) -> View[tuple[Path, Any]]:  # type: ignore[override]  # a view that can be sliced
        """Pairs of path and client, as a view that can be sliced from its beginning."""
        return View(
            lambda *where: ((self._path_of(item), self._client_of(item)) for item in self._items(*where)), self.__len__
        )

    def _items(
        self, start: int, count: int | None, direction: Direction, page_size: int | None
    ) -> Iterator[Mapping[str, Any]]:
        if direction < 0:
            raise ValueError(
                "the results of a deep search can only be read from their beginning: use first() or head()"
            )
        limits = [limit for limit in (count, page_size) if limit is not None]
        return self._pages(self._listing, start, min(limits, default=None))

    def _pages(self, listing: Listing, start: int, limit: int | None) -> Iterator[Mapping[str, Any]]:
        call = listing.page(offset=start, limit=limit)
        while True:
            page = self._start.context.message(call)
            yield from page["data"]
            link = page["links"]["next"]
            if link is None:
                return
            call = listing.next_page(link)

    def _path_of(self, item: Mapping[str, Any]) -> Path:
        full = [part for part in [*item["attributes"]["ancestors"], item["id"]] if part]
        return tuple(full[len(self._start.path_parts) :])

    def _client_of(self, item: Mapping[str, Any]) -> Any:
        return self._start._listed_client(item)  # noqa: SLF001 - its results are its children

    def __repr__(self) -> str:
        return f"<DeepSearchResults ({len(self)} results)>"
