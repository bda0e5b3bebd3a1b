"""The client of a container: a mapping of keys to clients that asks the server for no more than is needed."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from tiledkernel.client.calls import PAGE_LIMIT, Listing, call_message, call_node
from tiledkernel.client.connection import CannotWait
from tiledkernel.client.errors import ClientError, UnknownStructureFamily
from tiledkernel.client.exporting import saving
from tiledkernel.client.messages import item_of
from tiledkernel.client.node import UnavailableClient
from tiledkernel.client.pages import Pages
from tiledkernel.client.plans import Plan, ask_message, at_hand
from tiledkernel.client.sorting import Direction, SortKey, checked_sorting
from tiledkernel.client.uris import join_path, sibling_route, split_path
from tiledkernel.client.views import ItemsView, KeysView, ValuesView, View
from tiledkernel.families.container.client_deep import DeepSearchResults
from tiledkernel.families.container.client_writing import WritingContainer
from tiledkernel.queries import KeyLookup, SearchQuery, format_filters

if TYPE_CHECKING:
    from tiledkernel.client.connection import Connection

T = TypeVar("T")

_NATURAL: list[SortKey] = [("_", 1)]
_INSERTION: list[SortKey] = [("", 1)]
_LENGTH_LIVES = 1.0  # seconds
_SHOWN_KEYS = 10
_SHOWN_WIDTH = 60
_COMPLETED_KEYS = 40
_EXACT_COUNT = 100  # counts in a listing may be estimates above


class Container(WritingContainer, Mapping[str, Any]):
    """A mapping of keys to the clients of nodes, or what a search left of one.

    `container["a", "b"]` and `container["a/b"]` reach further down with one request.
    """

    def __init__(
        self,
        context: Connection,
        *,
        item: Mapping[str, Any],
        queries: Sequence[SearchQuery] = (),
        sorting: Sequence[SortKey] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(context, item=item, **settings)
        self._queries = tuple(queries)
        self._chosen_sorting = None if sorting is None else list(sorting)

    def structure(self) -> None:
        """Nothing: what a container holds is asked for, not described."""

    @property
    def queries(self) -> tuple[SearchQuery, ...]:
        """The searches that led here; children match all of them."""
        return self._queries

    @property
    def sorting(self) -> list[SortKey]:
        """The order of the children, as (key, direction)."""
        if self._chosen_sorting is not None:
            return list(self._chosen_sorting)
        described = self._attributes.get("sorting")  # which a new container is made without
        return [(key["key"], key["direction"]) for key in described] if described else list(_INSERTION)

    def new_variation(self, **changes: Any) -> Self:
        """This container again, with other settings."""
        kept = {"queries": self._queries, "sorting": self._chosen_sorting}
        return super().new_variation(**{**kept, **changes})

    def refresh(self) -> Self:
        """Ask the server for the current description; this same client then shows it."""
        self._length = None
        return super().refresh()

    # Looking up

    def __getitem__(self, key: str | tuple[str, ...]) -> Any:
        return self._run(self._finding_client(_segments_of(key)))

    def __contains__(self, key: object) -> bool:
        return self._run_now(self._finding_whether(key), "await container.has(key)")

    def has(self, key: str | tuple[str, ...]) -> bool:
        """Whether there is such a child: what `in` says, and an asynchronous program cannot ask in that way."""
        return self._run(self._finding_whether(key))

    def get(self, key: str | tuple[str, ...], default: Any = None) -> Any:
        """The client of a child, or `default` if there is none."""
        return self._run(self._finding_client(_segments_of(key), (default,)))

    def _finding_whether(self, key: object) -> Plan[bool]:
        if not isinstance(key, (str, tuple)):
            return False
        try:
            yield from self._finding(_segments_of(key))
        except KeyError:
            return False
        return True

    def _finding_client(self, segments: tuple[str, ...], default: tuple[Any, ...] = ()) -> Plan[Any]:
        try:
            item = yield from self._finding(segments)
        except KeyError:
            if default:
                return default[0]
            raise
        return self._client_of(item)

    def _finding(self, segments: tuple[str, ...]) -> Plan[Mapping[str, Any]]:
        """The description of the node at a path below; KeyError if there is none."""
        if self._queries:
            item, rest = (yield from self._looking_up(segments)), segments[1:]
        else:
            item, rest = self._walk_inline(segments)
        if not rest:
            return item
        url = join_path(item["links"]["self"], rest)
        try:
            answer = yield from ask_message(call_node(url, include_data_sources=self._include_data_sources))
        except ClientError as error:
            raise self._lookup_error(error, segments) from error
        return item_of(answer)

    def _looking_up(self, segments: tuple[str, ...]) -> Plan[Mapping[str, Any]]:
        """The child of this key if it is among the results of the search."""
        listing = self._listing(None, (*self._queries, KeyLookup(segments[0])))
        try:
            answer = yield from ask_message(listing.page())
        except ClientError as error:
            raise self._lookup_error(error, segments) from error
        found: list[Mapping[str, Any]] = answer["data"]
        if not found:
            raise KeyError(segments if len(segments) > 1 else segments[0])
        return found[0]

    def _walk_inline(self, segments: tuple[str, ...]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """As far as the server has described the children with this node already, and the segments that remain."""
        item = self._item
        for position, segment in enumerate(segments):
            contents = _contents_of(item)
            if contents is None:
                return item, segments[position:]
            if segment not in contents:
                raise KeyError(segments if len(segments) > 1 else segments[0])
            item = _unbroken(contents[segment], segment)
        return item, ()

    def _lookup_error(self, error: ClientError, segments: tuple[str, ...]) -> Exception:
        status = error.response.status_code
        if status == 404:
            return KeyError(segments if len(segments) > 1 else segments[0])
        if status == 410:
            return KeyError(f"{'/'.join(segments)}: this is likely a broken link. The server says: {error}")
        return error

    # Listing

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __aiter__(self) -> AsyncIterator[str]:
        return self.keys().__aiter__()

    def __len__(self) -> int:
        return self._run_now(self._counting(), "await container.count()")

    def count(self) -> int:
        """How many children there are: what len() says, and an asynchronous program cannot ask in that way."""
        return self._run(self._counting())

    def _counting(self) -> Plan[int]:
        contents = self._inline_contents()
        if contents is not None:
            return len(contents)
        now = time.monotonic()
        if self._length is None or now - self._length[0] > _LENGTH_LIVES:
            page = yield from ask_message(self._listing("count").page())
            self._length = now, page["meta"]["count"]
        return self._length[1]

    def keys(self) -> KeysView:  # type: ignore[override]  # a view that can be sliced
        """The keys, as a view that can be sliced."""
        return KeysView(self, self._key_pages, self._counting)

    def values(self) -> ValuesView:  # type: ignore[override]  # a view that can be sliced
        """The children, as a view that can be sliced."""
        return ValuesView(self, partial(self._pages_of, self._listed_client), self._counting)

    def items(self) -> ItemsView:  # type: ignore[override]  # a view that can be sliced
        """Pairs of key and child, as a view that can be sliced."""
        return ItemsView(self, partial(self._pages_of, self._listed_pair), self._counting)

    def descriptions(self) -> View[Mapping[str, Any]]:
        """The server's descriptions of the children; no client is made, and no data library loaded."""
        return View(self, partial(self._pages_of, lambda item: item), self._counting)

    def _key_pages(
        self, start: int, count: int | None, direction: Direction, page_size: int | None
    ) -> Iterator[Plan[Sequence[str]]]:
        contents = self._inline_contents()
        if contents is not None:
            yield at_hand(list(contents)[::direction][start:])
        else:
            yield from self._list_pages("", lambda item: item["id"], start, count, direction, page_size)

    def _pages_of(
        self,
        made: Callable[[Mapping[str, Any]], T],
        start: int,
        count: int | None,
        direction: Direction,
        page_size: int | None,
    ) -> Iterator[Plan[Sequence[T]]]:
        """Pages of what `made` makes of each description; of no more than `count`."""
        contents = self._inline_contents()
        if contents is None:
            yield from self._list_pages(None, made, start, count, direction, page_size)
            return
        stop = None if count is None else start + count
        for key, item in list(contents.items())[::direction][start:stop]:  # one by one: the next may not be wanted
            yield at_hand([made(_unbroken(item, key))])

    def _listed_pair(self, item: Mapping[str, Any]) -> tuple[str, Any]:
        return item["id"], self._listed_client(item)

    def _listed_client(self, item: Mapping[str, Any]) -> Any:
        """The client of a child in a listing, which goes on after one that cannot be shown."""
        try:
            return self._client_of(item)
        except UnknownStructureFamily as reason:
            return UnavailableClient(self.context, item=item, reason=reason)

    def _list_pages(  # noqa: PLR0913, PLR0917 - what to say of which children
        self,
        fields: Literal["", "count"] | None,
        made: Callable[[Mapping[str, Any]], T],
        start: int,
        count: int | None,
        direction: Direction,
        page_size: int | None,
    ) -> Iterator[Plan[Sequence[T]]]:
        limits = [limit for limit in (count, page_size) if limit is not None]
        usual = PAGE_LIMIT if fields == "" else None  # keys are short: as many at once as there can be
        reading = Pages(self._listing(fields), direction, start, min(limits, default=usual))
        while reading.call is not None:
            yield self._reading_page(reading, made)

    def _reading_page(self, reading: Pages, made: Callable[[Mapping[str, Any]], T]) -> Plan[Sequence[T]]:
        is_first = reading.is_first
        items = yield from reading.next_page()
        if is_first and reading.call is None and items:
            self._length = time.monotonic(), reading.start + len(items)
        return [made(item) for item in items]

    def _listing(self, fields: Literal["", "count"] | None, queries: tuple[SearchQuery, ...] | None = None) -> Listing:
        return Listing(
            url=self._link("search"),
            queries=self._queries if queries is None else queries,
            sorting=tuple(self.sorting),
            fields=fields,
            include_data_sources=self._include_data_sources and fields is None,
        )

    def _inline_contents(self) -> Mapping[str, Any] | None:
        """The children, if the server has described them all with this container and their order is not changed."""
        if self._queries or self.sorting != _NATURAL:
            return None
        return _contents_of(self._item)

    # Searching

    def search(self, query: SearchQuery) -> Self:
        """The children that match; searching again narrows further.

        >>> container.search(FullText("copper")).search(Key("year") > 2020)
        """
        _check_query(query)
        return self.new_variation(queries=(*self._queries, query))

    def sort(self, *keys: tuple[str, int]) -> Self:
        """The children in the order of metadata at these keys.

        >>> container.sort(("element.category", ASCENDING), ("year", DESCENDING))
        """
        return self.new_variation(sorting=checked_sorting(keys) if keys else None)

    def distinct(
        self, *metadata_keys: str, structure_families: bool = False, specs: bool = False, counts: bool = False
    ) -> dict[str, Any]:
        """The different values at metadata keys, families and lists of specs, among the children that match."""
        asked = {"structure_families": structure_families, "specs": specs, "counts": counts}
        parameters = [
            *(("metadata", key) for key in metadata_keys),
            *((name, "true" if value else "false") for name, value in asked.items()),
            *format_filters(self._queries),
        ]
        return self._run(ask_message(call_message(sibling_route(self.uri, "distinct"), parameters)))

    def search_deep(self, *queries: SearchQuery, max_depth: int | None = None) -> DeepSearchResults:
        """All nodes below, at any depth, that match all the queries; keys are tuples of path segments."""
        if not queries:
            raise TypeError("search_deep() needs a query, such as Key('color') == 'red'")
        for query in queries:
            _check_query(query)
        if self._queries:
            raise ValueError(
                "search_deep() looks below a container, not below the results of a search: pass all queries"
            )
        link = self._item["links"].get("search_deep")
        if link is None:
            raise NotImplementedError("this server cannot search below a container: use search() on each")
        return DeepSearchResults(self, link, queries, max_depth)

    # Export and display

    def export(self, filepath: Any, fields: Sequence[str] | None = None, *, format: str | None = None) -> None:  # noqa: A002 - the name that users know
        """Save this container, or only some of its children, in a format such as HDF5.

        >>> container.export("everything.h5")
        """
        return self._run(saving(self._link("full"), filepath, format, choose=("field", fields)))

    def _ipython_key_completions_(self) -> list[str]:
        keys = self.keys().head(_COMPLETED_KEYS + 1)
        return keys if len(keys) <= _COMPLETED_KEYS else []

    def __repr__(self) -> str:
        try:
            return self._run_now(self._describing(), "await container.keys().head()")
        except CannotWait:
            return f"<{type(self).__name__} of {self.uri!r}>"

    def _describing(self) -> Plan[str]:
        keys, count = yield from self._first_keys()
        text, shown = _join_keys(f"<{type(self).__name__} {{", keys[:_SHOWN_KEYS])
        if shown == len(keys) == count:
            return text + "}>"
        if count > _EXACT_COUNT:
            count = yield from self._counting()
        return f"{text}, ...}} ~{count} entries>"

    def _first_keys(self) -> Plan[tuple[list[str], int]]:
        """As many keys as are shown, or more, and how many there are, as far as that is known without counting."""
        contents = self._inline_contents()
        if contents is not None:
            return list(contents), len(contents)
        page = yield from ask_message(self._listing("").page(limit=_SHOWN_KEYS))
        keys = [item["id"] for item in page["data"]]
        return keys, len(keys) if page["links"]["next"] is None else page["meta"]["count"]


def _join_keys(text: str, keys: Sequence[str]) -> tuple[str, int]:
    """The beginning of a repr with as many keys as fit, but at least one; and how many those are."""
    for position, shown in enumerate(map(repr, keys)):
        if position and len(text) + len(shown) > _SHOWN_WIDTH:
            return text, position
        text += f", {shown}" if position else shown
    return text, len(keys)


def _segments_of(key: str | tuple[str, ...]) -> tuple[str, ...]:
    parts = key if isinstance(key, tuple) else (key,)
    for part in parts:
        if not isinstance(part, str):
            raise TypeError(
                f"{part!r} is no key: a container is indexed by strings; .keys(), .values() and .items() take positions"
            )
    segments = tuple(segment for part in parts for segment in split_path(part))
    if not segments:
        raise KeyError(key)
    return segments


def _contents_of(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if item["attributes"]["structure_family"] != "container":
        return None
    contents: Mapping[str, Any] | None = (item["attributes"].get("structure") or {}).get("contents")
    return contents


def _unbroken(item: Mapping[str, Any] | None, key: str) -> Mapping[str, Any]:
    if item is None:
        raise KeyError(f"{key}: this is likely a broken link, whose target the server cannot find")
    return item


def _check_query(query: object) -> None:
    if not hasattr(query, "encode") or not hasattr(query, "name"):
        raise TypeError(f"{query!r} is no query: expected one such as FullText('dog') or Key('color') == 'red'")
