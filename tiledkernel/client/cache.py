"""A response cache that outlives the process: answers of servers, kept on disk and used again while they are right.

    from tiledkernel.client import from_uri
    from tiledkernel.client.cache import Cache

    client = from_uri("http://localhost:8000", cache=Cache())

What a server marks as cacheable is stored. A stored answer that the server still vouches for is used without asking;
another one is asked about with its ETag, and the server says 304 instead of sending it again. While the server
cannot be reached, what is stored is shown with a warning, even where the server asked for its consent each time
(`must-revalidate`): its user is told that it may have changed.

`tiledkernel.client.freshness` has the rules, `cache_entries` says who may see what, `cache_file` keeps it.
"""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from tiledkernel import references
from tiledkernel.client import freshness
from tiledkernel.client.cache_dir import cache_dir
from tiledkernel.client.cache_entries import Head, Key, Row, key_of, without_credentials
from tiledkernel.client.light_httpx import httpx

if TYPE_CHECKING:
    from tiledkernel.client.cache_file import CacheFile

FILE_NAME = "http_response_cache.db"
_OTHER_NAME = "http_response_cache_tiledkernel.db"  # where another program has a file of that name
_FILE = "tiledkernel.client.cache_file:CacheFile"  # loads sqlite3, which only those pay for who have a cache


class Stored(Struct, frozen=True, kw_only=True):
    """A stored answer, for a request that it may answer.

    Parameters
    ----------
    headers
        Of the response, those of its connection left out.
    body
        As it came: what `Content-Encoding` names has not been undone.
    received
        When it came, or was last found to be right; seconds since the epoch.
    """

    headers: httpx.Headers
    body: bytes
    received: float
    asked: httpx.Headers  # of the request at hand
    row: Row

    def fresh(self, now: float) -> bool:
        """Whether the answer may be used without asking the server."""
        return freshness.is_fresh(self.asked, self.headers, self.received, now)

    def age(self, now: float) -> float:
        """For how many seconds the answer has existed."""
        return freshness.age(self.headers, self.received, now)

    def revalidation_headers(self) -> dict[str, str]:
        """What to add to the request such that the server answers 304 if this is still right; perhaps nothing."""
        return freshness.revalidation_headers(self.headers)

    def response(self, request: httpx.Request) -> httpx.Response:
        """The answer as a response that has not been read yet; its extension `from_cache` is True."""
        stream = httpx.ByteStream(self.body)
        return httpx.Response(
            200, headers=self.headers, stream=stream, request=request, extensions={"from_cache": True}
        )


class Cache:
    """Answers of servers in a file, which other threads and processes may use at the same time.

    When the bodies together exceed the capacity, the answers that were used least recently are removed. What one
    person was told is never given to another who uses the same file; secrets are not written to it.

    The file should be on a local disk: SQLite cannot share one over a network.

    Parameters
    ----------
    filepath
        By default `http_response_cache.db` in the directory that TILED_CACHE_DIR names, else in the
        platform's cache directory. It is made if it does not exist, readable for its owner only.
    capacity
        Bytes of all bodies together, as they came.
    max_item_size
        Bytes of one body; larger ones are not stored.
    readonly
        Whether to use what is stored, and change nothing.

    Raises
    ------
    ValueError
        If no item can be as large as `max_item_size`, because the capacity is not larger.
    RuntimeError
        If the file is something else than a cache; it stays as it is.

    Examples
    --------
    >>> cache = Cache(capacity=2_000_000_000, max_item_size=5_000_000)
    >>> client = from_uri("http://localhost:8000", cache=cache)
    >>> cache.count(), cache.size()
    (3, 1847)
    """

    def __init__(
        self,
        filepath: str | Path | None = None,
        capacity: int = 500_000_000,
        max_item_size: int = 500_000,
        readonly: bool = False,  # noqa: FBT001, FBT002 - users of Tiled know it as the fourth argument
    ) -> None:
        _check(capacity, max_item_size)
        self._capacity = capacity
        self._max_item_size = max_item_size
        self._file = _open_default(readonly=readonly) if filepath is None else _open(filepath, readonly=readonly)

    @property
    def filepath(self) -> Path:
        """Where the answers are."""
        return self._file.path

    @property
    def readonly(self) -> bool:
        """Whether nothing is ever changed."""
        return self._file.readonly

    @property
    def capacity(self) -> int:
        """How many bytes all bodies may have together; setting it removes what is too much."""
        return self._capacity

    @capacity.setter
    def capacity(self, size: int) -> None:
        """Allow this many bytes from now on."""
        _check(size, self._max_item_size)
        self._capacity = size
        self._file.evict(size)

    @property
    def max_item_size(self) -> int:
        """How many bytes a body may have in order to be stored."""
        return self._max_item_size

    @max_item_size.setter
    def max_item_size(self, size: int) -> None:
        """Allow this many bytes from now on."""
        _check(self._capacity, size)
        self._max_item_size = size

    # Answers

    def get(self, request: httpx.Request, *, who: str | None = None) -> Stored | None:
        """What is stored for a request, fresh or not; None if nothing is, or the request does not want it.

        The request must be as it is sent, with its credentials. For a login whose tokens change, `who` names the
        person instead; the same `who` has to be given whenever the cache is asked or told about the request.
        """
        if not freshness.may_answer(request.method, request.headers):
            return None
        row = self._file.find(self._key(request, who))
        if row is None or not freshness.selects(request.headers, row.head.varied):
            return None
        headers = httpx.Headers(row.head.headers)
        if not freshness.accepts_coding(request.headers, headers):
            return None
        return Stored(headers=headers, body=row.body, received=row.received, asked=request.headers, row=row)

    def wants(self, request: httpx.Request, response: httpx.Response) -> bool:
        """Whether the body of a response, of which only the head is known, should be collected for `set`."""
        if not self.write_safe() or response.history:  # what a redirection led to belongs to another address
            return False
        length = response.headers.get("content-length", "")
        if length.isdecimal() and not 0 < int(length) <= self._max_item_size:
            return False
        return freshness.may_store(request.method, request.headers, response.status_code, response.headers)

    def set(
        self,
        request: httpx.Request,
        response: httpx.Response,
        body: bytes,
        *,
        who: str | None = None,
        received: float | None = None,
    ) -> bool:
        """Store an answer in place of an older one; whether it was stored.

        `body` is what came over the network, before any decoding, and must be whole; `received` is when its head
        came, by default now.
        """
        if not self.wants(request, response) or not 0 < len(body) <= self._max_item_size:
            return False
        if response.headers.get("content-length", str(len(body))) != str(len(body)):
            return False  # it was cut off
        varied = without_credentials(freshness.varied(request.headers, response.headers))
        head = Head(freshness.to_store(response.headers).raw, varied)
        moment = time.time() if received is None else received
        return self._file.add(self._key(request, who), head, body, moment, self._capacity)

    def refresh(
        self, request: httpx.Request, stored: Stored, not_modified: httpx.Headers, *, received: float | None = None
    ) -> Stored:
        """The stored answer, brought up to date with the headers of a 304."""
        headers = freshness.merge(stored.headers, not_modified)
        moment = time.time() if received is None else received
        row = Row(stored.row.identity, moment, Head(headers.raw, stored.row.head.varied), stored.body)
        self._file.replace_head(row)
        return Stored(headers=headers, body=stored.body, received=moment, asked=request.headers, row=row)

    def delete(self, request: httpx.Request) -> None:
        """Forget all answers about what the request is about, whatever its query and whoever asked.

        To be used after a request that changed it.
        """
        self._file.remove_resource(self._key(request, None).address)

    def clear(self) -> None:
        """Forget all answers, and give the room on the disk back."""
        self._file.clear()

    def count(self) -> int:
        """How many answers are stored."""
        return self._file.state()[0]

    def size(self) -> int:
        """How many bytes their bodies have, as they came."""
        return self._file.state()[1]

    def write_safe(self) -> bool:
        """Whether this thread can store answers: not in a read-only or closed cache.

        Nor in a thread other than the one that made it, if SQLite was built for one thread only.
        """
        return self._file.writable_here

    def _key(self, request: httpx.Request, who: str | None) -> Key:
        return key_of(request, self._file.salt, who)

    # Life

    def close(self) -> None:
        """Close the file; the cache cannot be used any more."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Cache {str(self.filepath)!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Cache, (str(self.filepath), self._capacity, self._max_item_size, self.readonly)


def _check(capacity: int, max_item_size: int) -> None:
    if max_item_size < 1:
        raise ValueError(f"max_item_size must be at least 1 byte, not {max_item_size}")
    if capacity <= max_item_size:
        raise ValueError(f"capacity, {capacity} bytes, must be larger than max_item_size, {max_item_size} bytes")


def _open(filepath: str | Path, *, readonly: bool) -> CacheFile:
    file: CacheFile = references.load(_FILE)(Path(filepath).expanduser(), readonly=readonly)
    return file


def _open_default(*, readonly: bool) -> CacheFile:
    directory = cache_dir()
    try:
        return _open(directory / FILE_NAME, readonly=readonly)
    except RuntimeError:  # another client that shares the directory
        return _open(directory / _OTHER_NAME, readonly=readonly)
