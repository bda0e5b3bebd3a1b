"""Objects in a bucket, by their URIs: each is replaced as a whole, and can be replaced under a condition."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from obstore import exceptions as refused
from obstore.store import from_url

from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.nodes.storing import Location

PIECE = 4 << 20  # bytes of a stream
_PATIENCE = {"connect_timeout": "5s", "timeout": "120s"}  # unless the configuration says otherwise
_RETRIES = {"max_retries": 5, "retry_timeout": 30.0}
_BATCH = 1000  # objects that are deleted at once
_WRONG = (  # what does not pass by waiting
    refused.InvalidPathError,
    refused.NotSupportedError,
    refused.PermissionDeniedError,
    refused.UnauthenticatedError,
    refused.UnknownConfigurationKeyError,
    PermissionError,
    TypeError,
    ValueError,
)


class Object(Struct, frozen=True):
    """The bytes of an object, and what tells this state of it from others."""

    data: Any  # with the buffer protocol
    version: Mapping[str, str]


def bucket_of(location: Location) -> Bucket:
    """The bucket, or a part of one, that a location is; Unavailable if its configuration is of no use."""
    return _bucket(location.uri, json.dumps(dict(location.options), sort_keys=True, default=str))


@lru_cache(maxsize=64)
def _bucket(uri: str, options: str) -> Bucket:
    return Bucket(uri, json.loads(options))


class Bucket:
    """What lies below a URI such as 's3://bucket/prefix'; keys are relative to it.

    `options` go to obstore: credentials, `endpoint`, `region` ...; `client_options` and `retry_config` among them are
    its own. `store` is what it makes of them.
    """

    def __init__(self, uri: str, options: Mapping[str, Any]) -> None:
        self.uri = uri
        config = dict(options)
        client = {**_PATIENCE, **config.pop("client_options", {})}
        if str(config.get("endpoint", "")).startswith("http://"):
            client.setdefault("allow_http", True)
        retries = {**_RETRIES, **config.pop("retry_config", {})}
        with self._telling():
            self.store: Any = from_url(uri, config=config, client_options=client, retry_config=_durations(retries))  # type: ignore[call-overload]  # what a configuration holds is looked at by obstore

    def key_of(self, uri: str) -> str:
        """The key of what has this URI; Unavailable if that lies elsewhere."""
        if not uri.startswith(f"{self.uri}/"):
            raise Unavailable(f"{uri[:200]!r} does not lie in {self.uri!r}")
        return unquote(urlsplit(uri[len(self.uri) + 1 :]).path)

    def get(self, key: str) -> Object | None:
        """An object; None if there is none."""
        with self._telling():
            try:
                found = self.store.get(key)
                return Object(found.bytes(), _version(found.meta))
            except FileNotFoundError:
                return None

    def version(self, key: str) -> Mapping[str, str] | None:
        """What tells the state of an object from others; None if there is none."""
        with self._telling():
            try:
                return _version(self.store.head(key))
            except FileNotFoundError:
                return None

    def put(self, key: str, data: Any) -> None:
        """Make or replace an object; it is stored when this returns."""
        with self._telling():
            self.store.put(key, data)

    def put_if(self, key: str, data: Any, version: Mapping[str, str] | None) -> Mapping[str, str] | None:
        """Replace an object if it is in this state, or make it if that is None; its new state, None if it was not."""
        with self._telling():
            try:
                return _version(self.store.put(key, data, mode="create" if version is None else dict(version)))
            except (refused.AlreadyExistsError, refused.PreconditionError):
                return None
            except FileNotFoundError:
                if version is None:
                    raise
                return None

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys of all objects below a prefix that ends with a slash."""
        with self._telling():
            for batch in self.store.list(prefix):
                yield from (found["path"] for found in batch)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; it is no error if some are gone."""
        with self._telling():
            for start in range(0, len(keys), _BATCH):
                self.store.delete(list(keys[start : start + _BATCH]))

    def stream(self, key: str, start: int = 0, stop: int | None = None) -> tuple[int, Iterator[Any]]:
        """The size of an object, and its bytes from `start` to `stop` piece by piece; Unavailable if there is none."""
        with self._telling():
            try:
                part = {"offset": start} if stop is None else (start, stop)
                found = self.store.get(key, options={"range": part} if start or stop is not None else {})
            except FileNotFoundError:
                raise Unavailable(f"there is no object {key!r} in {self.uri!r} any more") from None
            return int(found.meta["size"]), self._pieces(found)

    def _pieces(self, found: Any) -> Iterator[Any]:
        with self._telling():
            for piece in found.stream(min_chunk_size=PIECE):
                yield memoryview(piece)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say what is wrong in a sentence; what may pass is NotReady."""
        try:
            yield
        except _WRONG as error:
            raise Unavailable(
                f"{self.uri!r} cannot be used: {_first_line(error)}; 'writable_storage' of the configuration names it"
            ) from error
        except FileNotFoundError as error:
            raise Unavailable(f"there is no bucket at {self.uri!r}: make it, or name another") from error
        except (refused.BaseError, OSError) as error:
            raise NotReady(f"{self.uri!r} does not answer: {_first_line(error)}") from error

    def __repr__(self) -> str:
        return f"<Bucket {self.uri!r}>"


def stream_object(location: Location, uri: str, start: int = 0, stop: int | None = None) -> tuple[int, Iterator[Any]]:
    """The size of the object at a URI in a location, and its bytes from `start` to `stop` piece by piece."""
    bucket = bucket_of(location)
    return bucket.stream(bucket.key_of(uri), start, stop)


def _version(described: Any) -> dict[str, str]:
    return {name: described[name] for name in ("e_tag", "version") if described.get(name) is not None}


def _durations(config: Mapping[str, Any]) -> dict[str, Any]:
    """Durations as obstore takes them."""
    seconds = config["retry_timeout"]
    return {**config, "retry_timeout": timedelta(seconds=seconds) if isinstance(seconds, int | float) else seconds}


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
