"""Which reader claims which file: look-up tables made once of the records of all plugins.

A site may bring readers of its own, functions or classes, beside those of the plugins or in their place.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from tiledkernel import references
from tiledkernel.errors import BadRequest
from tiledkernel.nodes.site_readers import SITE, SiteReader, site_readers
from tiledkernel.records import Reader
from tiledkernel.registry import Registry

MAX_SUFFIX_PARTS = 4
_locks: dict[str, threading.RLock] = {}  # by plugin and for the process, as the libraries' own state is


class Claim(Struct, frozen=True):
    """A reader, and the plugin that it belongs to; with `opener` it is one of the site's own, which opens the files."""

    reader: Reader
    plugin: str
    opener: SiteReader | None = None

    @property
    def takes_many(self) -> bool:
        """Whether several files can become one node."""
        return self.reader.open_many is not None or (self.opener is not None and self.opener.takes_many)

    def open(self, paths: Sequence[Path], parameters: Mapping[str, Any], *, many: bool) -> Any:
        """The live object, or node, that is made of the file, or of all the files if there may be `many`.

        BadRequest if the reader does not take these parameters, or not several files.
        """
        if many and not self.takes_many:
            raise BadRequest(f"the reader of {self.reader.media_type!r} takes one file, not {len(paths)} for one node")
        if self.opener is not None and (self.opener.takes_many if many else self.opener.takes_one):
            return self.opener.open(paths, parameters, many=many)
        options = self._options(parameters)
        if many:
            return references.load(str(self.reader.open_many))(tuple(paths), *options)
        return references.load(self.reader.open)(paths[0], *options)

    def _options(self, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """What to hand over besides the path: nothing, or the checked parameters."""
        if not parameters:
            return ()
        kind = self.reader.media_type
        if self.reader.parameters is None:
            raise BadRequest(f"the reader of {kind!r} takes no parameters, but {', '.join(parameters)} were given")
        expected = references.load(self.reader.parameters)
        try:
            return (msgspec.convert(dict(parameters), expected),)
        except msgspec.ValidationError as error:
            known = ", ".join(expected.__struct_encode_fields__)
            raise BadRequest(f"the reader of {kind!r} takes other parameters: {error}; it knows: {known}") from None

    @property
    def guard(self) -> AbstractContextManager[Any]:
        """To be held while the reader, or a node that it made, works: excludes others if it wants one call at a time.

        The lock belongs to the plugin, since what cannot bear two calls is the library behind all its readers.
        """
        if self.reader.concurrency == "threads":
            return nullcontext()
        return _locks.setdefault(self.plugin, threading.RLock())


class ReaderTable:
    """The readers by suffix, by media type and by the first bytes of a file; directories apart from files.

    `prefer` maps a suffix or media type that several plugins claim to the plugin that wins; without it AmbiguousName
    names them. `own` maps media types to the site's own readers, see `tiledkernel.nodes.site_readers`.
    """

    def __init__(
        self,
        readers: Iterable[tuple[Reader, str]],
        prefer: Mapping[str, str] | None = None,
        own: Mapping[str, Any] | None = None,
    ) -> None:
        self._suffixes = {kind: Registry[Claim]("file suffix", prefer) for kind in (False, True)}
        self._media_types = {kind: Registry[Claim]("reader of media type", prefer) for kind in (False, True)}
        self._markers: Registry[Claim] = Registry("file in a directory", prefer)
        self._signatures: dict[bytes, Claim] = {}
        signatures: Registry[Claim] = Registry("file signature", prefer)
        self.own = dict(own or {})
        for claim in _with_own(readers, site_readers(self.own)):
            reader, plugin = claim.reader, claim.plugin
            self._media_types[reader.directory].add(reader.media_type, claim, plugin)
            for suffix in reader.suffixes:
                self._suffixes[reader.directory].add(suffix.lower(), claim, plugin)
            for marker in reader.markers:
                self._markers.add(marker, claim, plugin)
            for signature in reader.signatures:
                signatures.add(signature.hex(), claim, plugin)
        for text, claim in sorted(signatures.items(), key=lambda item: -len(item[0])):  # the longest tells most
            self._signatures[bytes.fromhex(text)] = claim
        self.signature_length = max(map(len, self._signatures), default=0)

    def of_suffix(self, suffix: str, *, directory: bool = False) -> Claim | None:
        """Who claims files (or directories) with this suffix, in lower case and with its dot."""
        return self._suffixes[directory].get(suffix)

    def by_media_type(self, media_type: str, *, directory: bool = False) -> Claim | None:
        """Who reads files (or directories) of this media type."""
        return self._media_types[directory].get(media_type)

    def by_signature(self, head: bytes) -> Claim | None:
        """Who recognises a file by its first bytes."""
        return next((claim for signature, claim in self._signatures.items() if head.startswith(signature)), None)

    def of_directory(self, path: Path) -> Claim | None:
        """Who recognises a directory by a file in it."""
        return next((claim for name, claim in self._markers.items() if os.path.isfile(path / name)), None)  # noqa: PTH113 - an unreadable one is none

    def media_types(self) -> list[str]:
        """All media types that can be read, in order."""
        return sorted({*self._media_types[False], *self._media_types[True]})


def _with_own(readers: Iterable[tuple[Reader, str]], own: Mapping[str, SiteReader]) -> Iterator[Claim]:
    """The installed readers; those of the site stand in the place of one for the same media type, or beside them."""
    known: set[tuple[str, bool]] = set()
    for reader, plugin in readers:
        opener = own.get(reader.media_type)
        if opener is None:
            yield Claim(reader, plugin)
        else:
            known.add((reader.media_type, reader.directory))
            yield Claim(_instead(reader, opener), SITE, opener)
    for media_type, opener in own.items():
        for directory in (False, True):
            if (media_type, directory) not in known:
                yield Claim(Reader(media_type=media_type, open=opener.name, directory=directory), SITE, opener)


def _instead(reader: Reader, opener: SiteReader) -> Reader:
    """What is left of a reader in whose place one of the site stands, for single files, for several or for both."""
    if not opener.takes_one:
        return reader
    return structs.replace(reader, open=opener.name, open_many=None, concurrency="threads", parameters=None)


def suffixes_of(name: str) -> Iterator[str]:
    """The suffixes of a file name in lower case, the longest first: '.tar.gz', then '.gz'."""
    parts = name.lower().split(".")[1:][-MAX_SUFFIX_PARTS:]
    for start in range(len(parts)):
        yield "." + ".".join(parts[start:])
