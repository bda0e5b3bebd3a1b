"""What the client asks for: each function builds one request. No I/O happens here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from msgspec import Struct, field

from tiledkernel.client.sorting import Direction, Sorting, format_sorting
from tiledkernel.media_types import ARRAY_BYTES, ARROW_FILE
from tiledkernel.queries import SearchQuery, format_filters
from tiledkernel.wire import JSON, MSGPACK

Parameters: TypeAlias = list[tuple[str, str]]

LONGEST_URL = 2000  # characters; proxies and servers refuse much longer ones
PAGE_LIMIT = 300  # items; what a server gives at most in one page


class Call(Struct, frozen=True, kw_only=True):
    """A request: its URL has no query of its own, `parameters` are all there is.

    Its body is `json`, or else `content`: anything with the buffer protocol, which is sent piece by piece without being
    copied before; `headers` then name its `content-type`.

    `repeatable` says whether nothing changes if the request is carried out twice. If not, it is made again only where
    it surely has not been carried out. None: it is, unless it is a PATCH.
    """

    url: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    parameters: Parameters = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    content: Any = None
    repeatable: bool | None = None

    def __repr__(self) -> str:
        return f"<Call {self.method} {self.url}>"  # a body may hold a secret

    @property
    def is_repeatable(self) -> bool:
        """Whether it does no harm to carry this out twice."""
        return self.method != "PATCH" if self.repeatable is None else self.repeatable


def call_about(api_uri: str) -> Call:
    """What the server says of itself; a cache is only asked when the server cannot be."""
    return Call(url=api_uri, headers={"accept": MSGPACK, "cache-control": "no-cache"})


def call_message(url: str, parameters: Sequence[tuple[str, str]] = ()) -> Call:
    """A control message."""
    return Call(url=without_query(url), parameters=list(parameters), headers={"accept": MSGPACK})


def call_node(url: str, *, include_data_sources: bool = False) -> Call:
    """The description of one node."""
    return call_message(url, _with_data_sources(include_data_sources))


class Listing(Struct, frozen=True, kw_only=True):
    """Which children of a container, in which order, with how much said of each."""

    url: str
    queries: tuple[SearchQuery, ...] = ()
    sorting: Sorting = ()
    fields: Literal["", "count"] | None = None  # keys only; the count only; everything
    include_data_sources: bool = False
    max_depth: int | None = None  # of a deep search

    def page(self, direction: Direction = 1, *, offset: int = 0, limit: int | None = None) -> Call:
        """The page that begins at `offset`."""
        where: Parameters = [("page[offset]", str(offset))] if offset else []
        if limit is not None:
            where.append(("page[limit]", str(min(limit, PAGE_LIMIT))))
        return call_message(self.url, [*self._what(direction), *where])

    def next_page(self, link: str, direction: Direction = 1) -> Call:
        """The page that a `next` link names; such links repeat only where to go on."""
        where = [(name, value) for name, value in parse_query(link) if name.startswith("page[")]
        return call_message(self.url, [*self._what(direction), *where])

    def _what(self, direction: Direction) -> Parameters:
        fields = [] if self.fields is None else [("fields", self.fields)]
        return [
            *fields,
            *format_filters(self.queries),
            *format_sorting(self.sorting, direction),
            *([] if self.max_depth is None else [("max_depth", str(self.max_depth))]),
            *_with_data_sources(self.include_data_sources),
        ]


def call_writing(  # noqa: PLR0913 - what a request consists of
    method: Literal["POST", "PUT", "PATCH", "DELETE"],
    url: str,
    *,
    json: Any = None,
    parameters: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    repeatable: bool | None = None,
) -> Call:
    """A change of what the server says of nodes; the answer, if any, is a control message."""
    return Call(
        url=without_query(url),
        method=method,
        json=json,
        parameters=list(parameters),
        headers={"accept": JSON, **(headers or {})},
        repeatable=repeatable,
    )


def call_form(url: str, fields: Mapping[str, str]) -> Call:
    """A form, as those who give tokens take it; it may hold secrets."""
    headers = {"accept": JSON, "content-type": "application/x-www-form-urlencoded"}
    return Call(url=url, method="POST", content=urlencode(fields).encode(), headers=headers)


def call_upload(  # noqa: PLR0913 - what a request consists of
    method: Literal["PUT", "PATCH"],
    url: str,
    content: Any,
    content_type: str,
    parameters: Sequence[tuple[str, str]] = (),
    *,
    repeatable: bool | None = None,
) -> Call:
    """Data on their way to the server: `content` has the buffer protocol. A PUT is repeatable, a PATCH is not."""
    return Call(
        url=without_query(url),
        method=method,
        content=content,
        parameters=list(parameters),
        headers={"accept": JSON, "content-type": content_type},
        repeatable=repeatable,
    )


def call_array(url: str, shape: tuple[int, ...], text: str = "", block: tuple[int, ...] | None = None) -> Call:
    """The elements that a slice selects, of the whole array or of one block."""
    parameters = [("expected_shape", ",".join(map(str, shape)) or "scalar")]
    if block is not None:
        parameters.append(("block", ",".join(map(str, block))))
    if text:
        parameters.append(("slice", text))
    return Call(url=without_query(url), parameters=parameters, headers={"accept": ARRAY_BYTES})


def call_partition(url: str, partition: int, columns: Sequence[str] | None) -> Call:
    """One partition of a table as an Arrow file."""
    return _choosing(url, [("partition", str(partition))], "column", columns, {"accept": ARROW_FILE})


def call_export(url: str, media_type: str, parameters: Parameters, name: str, chosen: Sequence[str] | None) -> Call:
    """Data in a format for people or other programs; `chosen` columns or fields, all if None."""
    return _choosing(url, [("format", media_type), *parameters], name, chosen, {})


def _choosing(
    url: str, parameters: Parameters, name: str, chosen: Sequence[str] | None, headers: Mapping[str, str]
) -> Call:
    url = without_query(url)
    if chosen is None:
        return Call(url=url, parameters=parameters, headers=headers)
    named = [*parameters, *((name, item) for item in chosen)]
    if len(url) + sum(len(key) + len(quote(value, safe="")) + 2 for key, value in named) <= LONGEST_URL:
        return Call(url=url, parameters=named, headers=headers)
    return Call(url=url, method="POST", parameters=parameters, headers=headers, json=list(chosen))


def _with_data_sources(include: bool) -> Parameters:  # noqa: FBT001 - private, and named by its function
    return [("include_data_sources", "true")] if include else []


def without_query(url: str) -> str:
    """A link without its query."""
    return url.partition("?")[0]


def parse_query(url: str) -> Parameters:
    """The parameters in a link's query."""
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)
