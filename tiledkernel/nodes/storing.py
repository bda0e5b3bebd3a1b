"""Where uploaded data go: the places that a configuration names, and the forms that plugins know.

Data lie under a name that the server made, never under one that a user chose. What a storage made or wrote is on disk
when the call returns. The catalog's word counts: data that it does not mention were never acknowledged, and are
removed some day.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from msgspec import Struct, field

from tiledkernel import references
from tiledkernel.errors import ConfigurationError, Unavailable, UnsupportedMediaType
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.records import Storage
from tiledkernel.registry import Registry

FILE = "file"
PROVIDERS = {"s3": "s3", "azure": "az", "google": "gs"}  # of buckets, and the schemes of their URIs


class Location(Struct, frozen=True):
    """A place for uploaded data.

    - `uri`: without a trailing slash: 'file:///srv/data', 's3://bucket/prefix', 'duckdb:////srv/tables.duckdb' ...
    - `options`: what the configuration says besides, such as credentials and endpoint of a bucket.
    """

    uri: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scheme(self) -> str:
        """The kind of place: 'file', 's3', 'az', 'gs', 'duckdb', 'sqlite', 'postgresql' ..."""
        return self.uri.partition(":")[0].partition("+")[0]

    @property
    def folder(self) -> Path:
        """The folder that a location of the kind 'file' is."""
        return Path(unquote(urlsplit(self.uri).path))

    def uri_of(self, name: str) -> str:
        """The URI of what has this name here: spread over folders, so that none of them gets too large."""
        return f"{self.uri}/{name[:2]}/{quote(name)}"

    def path_of(self, name: str) -> Path:
        """The path of what has this name in a location of the kind 'file'."""
        return self.folder / name[:2] / name

    @property
    def public_uri(self) -> str:
        """The URI as anybody may know it: without the user, the password and other options of a database."""
        parts = urlsplit(self.uri)
        host = parts.netloc.rpartition("@")[2]
        places = [(name, value) for name, value in parse_qsl(parts.query) if name in ("host", "port")]
        return f"{parts.scheme}://{host}{parts.path}" + (f"?{urlencode(places, safe='/')}" if places else "")

    def holds(self, uri: str) -> bool:
        """Whether a URI is of something here."""
        return uri in (self.uri, self.public_uri) or normal_uri(uri).startswith(f"{self.uri}/")


class Keeper(Protocol):
    """The catalog, as what stores data sees it: the keeper of one node's data source.

    Two writers of one node exclude each other with a lock of their storage, take `current()` while they hold it, and
    `commit` before they let it go.
    """

    def current(self) -> DataSource:
        """The data source as it is by now; NotFound if the node is gone."""

    def commit(self, source: DataSource) -> None:
        """Let the catalog say this from now on; assets that it does not have any more are deleted later."""


def normal_uri(uri: str) -> str:
    """A URI as locations have it: of files without a host."""
    return uri.replace("file://localhost/", "file:///", 1)


def asset_uri(uri: str) -> str:
    """A URI as data sources have it: of files with the host that clients expect."""
    return uri.replace("file:///", "file://localhost/", 1)


def path_of_uri(uri: str) -> Path:
    """The path that a file URI stands for; Unavailable if it is of another kind."""
    try:
        parts = urlsplit(normal_uri(uri))
    except ValueError:  # brackets that are no address
        parts = None
    if parts is None or parts.scheme != FILE or parts.netloc:
        raise Unavailable(f"{uri[:200]!r} is not the URI of a file on this machine")
    return Path(unquote(parts.path))


def new_name(suffix: str = "") -> str:
    """A name that nothing else has."""
    return f"{secrets.token_hex(16)}{suffix}"


def parse_location(given: str | Mapping[str, Any]) -> Location:
    """A location as a configuration names it: a folder, a URI, or an object with `provider`, `uri` and `config`."""
    if not isinstance(given, str):
        provider, uri = given.get("provider"), given.get("uri")
        if provider not in PROVIDERS or not isinstance(uri, str):
            raise ConfigurationError(
                f"a bucket is named by 'provider' (one of {', '.join(PROVIDERS)}), 'uri' and perhaps 'config'; "
                f"found {sorted(given)}"
            )
        return _bucket(PROVIDERS[provider], uri, dict(given.get("config") or {}))
    if "://" in given and not given.startswith("file:"):
        return Location(given.rstrip("/"))
    folder = path_of_uri(given) if given.startswith("file:") else Path(given).expanduser()
    return Location(f"file://{quote(folder.absolute().as_posix())}".rstrip("/"))


def _bucket(scheme: str, uri: str, config: dict[str, Any]) -> Location:
    """A bucket by its own URI, by its name, or by the address at which a service offers it."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        rest = uri.partition("://")[2] if "://" in uri else uri
        return Location(f"{scheme}://{rest.strip('/')}", config)
    rest = parts.path.strip("/") or str(config.pop("bucket", ""))
    if not rest:
        raise ConfigurationError(f"{uri!r} names no bucket: write its name after the address, as in '{uri}/name'")
    return Location(f"{scheme}://{rest}", {"endpoint": f"{parts.scheme}://{parts.netloc}", **config})


class StorageTable:
    """The storages of the installed plugins, and the locations that they may use."""

    def __init__(
        self, storages: Registry[Storage], locations: Iterable[Location], readable: Iterable[Location] = ()
    ) -> None:
        """`readable` are places where data may be that were uploaded some time, and now are only read."""
        self._storages = sorted(storages.values(), key=lambda storage: storage.rank)
        self._locations = tuple(locations)
        self._readable = tuple(readable)

    @property
    def locations(self) -> tuple[Location, ...]:
        """Where uploaded data may go, in the order of preference."""
        return self._locations

    def close(self) -> None:
        """Let go of what storages have open, such as databases; what was never loaded has nothing."""
        for storage in self._storages:
            if storage.close is None or storage.close.partition(":")[0] not in sys.modules:
                continue
            for location in self._locations:
                if location.scheme in storage.schemes:
                    references.load(storage.close)(location)

    def choose(self, family: str, media_type: str | None) -> tuple[Storage, Location]:
        """The storage for new data, in the first location that it can use; UnsupportedMediaType says why none can."""
        of_family = [storage for storage in self._storages if storage.family == family]
        named = [storage for storage in of_family if media_type in (None, storage.media_type)]
        for storage in named:
            for location in self._locations:
                if location.scheme in storage.schemes:
                    return storage, location
        if not of_family:
            raise UnsupportedMediaType(f"no installed plugin keeps uploaded data of the family {family!r}")
        if not named:
            known = ", ".join(repr(storage.media_type) for storage in of_family)
            raise UnsupportedMediaType(
                f"nobody here writes {media_type!r:.80} for data of the family {family!r}: expected one of {known}"
            )
        wanted = ", ".join(sorted({scheme for storage in named for scheme in storage.schemes}))
        have = ", ".join(sorted({location.scheme for location in self._locations})) or "none"
        raise UnsupportedMediaType(
            f"{named[0].media_type!r} is kept in a place of the kind {wanted}, but this catalog may write to: {have}; "
            "name one under 'writable_storage'"
        )

    def of(self, source: DataSource) -> tuple[Storage, Location] | None:
        """The storage that made a data source, and the location; None if no plugin knows its media type."""
        for storage in self._storages:
            if storage.family == source.structure_family and storage.media_type == source.mimetype:
                return storage, self._location_of(source)
        return None

    def _location_of(self, source: DataSource) -> Location:
        for asset in source.assets:
            for location in (*self._locations, *self._readable):
                if location.holds(asset.data_uri):
                    return location
        if not source.assets:
            raise Unavailable("there are no data any more: their asset was taken from the node")
        raise Unavailable(
            "the data are in a place that this server may not use: name it under 'writable_storage' of the catalog, or "
            "a folder that is only to be read under 'readable_storage'"
        )
