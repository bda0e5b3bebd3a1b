"""Which reader claims which file: look-up tables made once of the records of all plugins."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from msgspec import Struct

from tiledkernel.records import Reader
from tiledkernel.registry import Registry

MAX_SUFFIX_PARTS = 4
_locks: dict[str, threading.RLock] = {}  # by plugin and for the process, as the libraries' own state is


class Claim(Struct, frozen=True):
    """A reader, and the plugin that it belongs to."""

    reader: Reader
    plugin: str

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
    names them.
    """

    def __init__(self, readers: Iterable[tuple[Reader, str]], prefer: Mapping[str, str] | None = None) -> None:
        self._suffixes = {kind: Registry[Claim]("file suffix", prefer) for kind in (False, True)}
        self._media_types = {kind: Registry[Claim]("reader of media type", prefer) for kind in (False, True)}
        self._markers: Registry[Claim] = Registry("file in a directory", prefer)
        self._signatures: dict[bytes, Claim] = {}
        signatures: Registry[Claim] = Registry("file signature", prefer)
        for reader, plugin in readers:
            claim = Claim(reader, plugin)
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


def suffixes_of(name: str) -> Iterator[str]:
    """The suffixes of a file name in lower case, the longest first: '.tar.gz', then '.gz'."""
    parts = name.lower().split(".")[1:][-MAX_SUFFIX_PARTS:]
    for start in range(len(parts)):
        yield "." + ".".join(parts[start:])
