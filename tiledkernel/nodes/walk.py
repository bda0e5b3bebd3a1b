"""What the files of one folder are: which of them become nodes, under which keys, by which readers.

- A key is a file's name without all its suffixes; hidden names are left out; subfolders are containers.
- Walkers of the site's own come first, and may make one node of several files in their own way.
- The longest known suffix decides which reader claims a file; failing that, what Python knows of suffixes, then how
  the file begins; a hook of the site has the last word.
- Files `<name><digits><suffix>` of one type are one node, if their reader reads such sequences.
- Of two items that want one key neither is listed.
- Files that nobody claims are left out. Nothing is opened, but for files whose suffix says nothing.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from tiledkernel.errors import ConfigurationError, KernelError, Unavailable
from tiledkernel.media_types import media_type_of_suffix
from tiledkernel.nodes.paths import SafeRoot, reason_of
from tiledkernel.nodes.readers import Claim, ReaderTable, suffixes_of

logger = logging.getLogger(__name__)

SETTLED_NS = 2_000_000_000  # a folder changed less than this ago may change again within one tick of its clock
GROWING_NS = 600_000_000_000  # a file that is too short to be recognised is looked at again for this long
UNNAMED = "_unnamed"
_HIDDEN = (".", "~$")  # the second begins the names of Office's lock files
_NUMBERED = re.compile(r"(.*?)([0-9]+)", re.DOTALL)

Hook = Callable[[Path, str | None], str | None]
Walker = Callable[..., Any]
Message = tuple[int, str]  # level and text of a line for the log
FileStamp = tuple[int, int, int]


def strip_suffixes(filename: str) -> str:
    """The name without all its suffixes: 'thing' for 'thing.tar.gz'."""
    return filename.split(".", 1)[0]


class Rules(Struct, frozen=True, kw_only=True):
    """How files become nodes.

    `extensions` maps suffixes to media types besides those of the readers; `include` (if not empty) limits files to
    these suffixes; `hook` is asked for the media type of each file and told what is known so far. `key_of` makes a key
    of a name. `admits` says which paths are looked at; None: those that are not hidden. `sequences` and `singles` say
    whether numbered files, and all others, become nodes. `walkers` come before all this, see
    `tiledkernel.nodes.walkers`.
    """

    readers: ReaderTable
    key_of: Callable[[str], str] = strip_suffixes
    include: tuple[str, ...] = ()
    extensions: Mapping[str, str] = field(default_factory=dict)
    hook: Hook | None = None
    admits: Callable[[Path], bool] | None = None
    sequences: bool = True
    singles: bool = True
    walkers: tuple[Walker, ...] = ()


def checked_extensions(given: Mapping[str, str], readers: ReaderTable) -> dict[str, str]:
    """Media types by dotted suffix; ConfigurationError if nobody reads one of them."""
    extensions = {dotted(suffix): media_type.replace(" ", "") for suffix, media_type in given.items()}
    for suffix, media_type in extensions.items():
        if not any(readers.by_media_type(media_type, directory=kind) for kind in (False, True)):
            raise ConfigurationError(
                f"ext: {suffix}={media_type}: no reader for {media_type!r} is installed; there are readers for: "
                f"{', '.join(readers.media_types()) or 'nothing'}"
            )
    return extensions


def dotted(suffix: str) -> str:
    """A suffix in lower case, with its dot."""
    return f".{suffix.strip().lstrip('.').lower()}"


class Item(Struct, frozen=True):
    """What one key of a folder stands for: a subfolder (no claim), a file, or a sequence of files.

    `why` says what told the reader: the suffix, how the file begins, an option.
    """

    key: str
    names: tuple[str, ...]
    claim: Claim | None = None
    media_type: str = ""
    sequence: bool = False
    why: str = ""


class Verdict(Struct, frozen=True):
    """Who claims a file, of which type, which part of its name is the suffix, and what told so."""

    claim: Claim
    media_type: str
    suffix: str
    why: str


class Walked(Struct, frozen=True):
    """What walkers of the site's own have made of a folder, and the names that they have left over."""

    items: tuple[Item, ...]
    rest: frozenset[str]


class Listing(Struct, frozen=True):
    """The items of a folder, as they were found when it had this stamp.

    `settled` says whether the same stamp means the same items. `sniffed` remembers the verdicts on files that had
    to be looked into, `entries` what was made of items.
    """

    items: dict[str, Item]
    stamp: tuple[int, int]
    settled: bool
    messages: frozenset[Message]
    sniffed: dict[str, tuple[FileStamp, Verdict | None]]
    entries: dict[str, Any] = field(default_factory=dict)


def folder_stamp(folder: Path) -> tuple[int, int]:
    """A value that differs after files have come or gone; Unavailable if the folder cannot be looked at."""
    try:
        status = folder.stat()
    except OSError as error:
        raise Unavailable(f"folder {folder.name!r} is unavailable: {reason_of(error)}") from error
    return status.st_mtime_ns, status.st_ino


def scan(
    folder: Path, root: SafeRoot, rules: Rules, previous: Listing | None = None, walked: Walked | None = None
) -> Listing:
    """The listing of a checked folder; Unavailable if it cannot be read. What `previous` knows is not asked again.

    `walked` is what walkers of the site's own have made of the folder before.
    """
    return _Scan(folder, root, rules, previous.sniffed if previous else {}).run(walked)


def items_of(folder: Path, root: SafeRoot, rules: Rules, among: Collection[str]) -> tuple[list[Item], list[Message]]:
    """What becomes of some names in a folder by the rules, and what there is to say; keys may be equal."""
    scanning = _Scan(folder, root, rules, {})
    return scanning.items(among), sorted(scanning.messages)


def verdict_of(path: Path, root: SafeRoot, rules: Rules) -> Verdict | None:
    """Who claims a file, or a directory, by itself."""
    if path.is_dir():
        item = item_of_directory(path, rules)
        return None if item.claim is None else Verdict(item.claim, item.media_type, "", item.why)
    return _Scan(path.parent, root, rules, {}).verdict(path)


def marked(folder: Path, item: Item, rules: Rules) -> Item | None:
    """A subfolder as what it is to a reader that recognises the format by a file in it; None if none does."""
    return None if rules.include else _by_marker(folder / item.names[0], item, rules)


def _by_marker(path: Path, item: Item, rules: Rules) -> Item | None:
    claim = rules.readers.of_directory(path)
    if claim is None:
        return None
    return Item(item.key, item.names, claim, claim.reader.media_type, why=f"holds {' or '.join(claim.reader.markers)}")


def item_of_directory(path: Path, rules: Rules) -> Item:
    """What a directory is by itself: of the format of a reader, or, without a claim, a folder."""
    verdict = directory_verdict(path.name, rules)
    key, names = rules.key_of(path.name), (path.name,)
    if verdict is not None:
        return Item(key, names, verdict.claim, verdict.media_type, why=verdict.why)
    plain = Item(key, names)
    return _by_marker(path, plain, rules) or plain


def names_in(folder: Path, root: SafeRoot, rules: Rules) -> tuple[list[str], list[str], frozenset[Message]]:
    """The names of the files and of the subfolders that are looked at, and what there is to say about the others."""
    return _Scan(folder, root, rules, {}).names()


def directory_verdict(name: str, rules: Rules) -> Verdict | None:
    """Who claims a directory of this name, such as 'a.zarr'; None if it is a folder like any other."""
    for suffix in suffixes_of(name):
        media_type = rules.extensions.get(suffix)
        if media_type is not None:
            claim = rules.readers.by_media_type(media_type, directory=True)
            if claim is not None:
                return Verdict(claim, media_type, suffix, f"option {suffix}={media_type}")
        claim = rules.readers.of_suffix(suffix, directory=True)
        if claim is not None:
            return Verdict(claim, claim.reader.media_type, suffix, f"suffix {suffix}")
    return None


class _Scan:
    """One pass over a folder."""

    def __init__(
        self, folder: Path, root: SafeRoot, rules: Rules, known: Mapping[str, tuple[FileStamp, Verdict | None]]
    ) -> None:
        self.folder = folder
        self.root = root
        self.rules = rules
        self.known = known
        self.sniffed: dict[str, tuple[FileStamp, Verdict | None]] = {}
        self.messages: set[Message] = set()
        self.now = time.time_ns()
        self.growing = False

    def run(self, walked: Walked | None) -> Listing:
        stamp = folder_stamp(self.folder)
        found = self.items(None) if walked is None else [*walked.items, *self.items(walked.rest)]
        items = self._unique(found)
        settled = self.now - stamp[0] > SETTLED_NS and not self.growing
        return Listing(items, stamp, settled, frozenset(self.messages), self.sniffed)

    def items(self, among: Collection[str] | None) -> list[Item]:
        return list(self._items(entry for entry in self._entries() if among is None or entry.name in among))

    def names(self) -> tuple[list[str], list[str], frozenset[Message]]:
        files: list[str] = []
        folders: list[str] = []
        for entry in self._entries():
            if self._admitted(entry):
                is_folder = entry.is_dir()
                if is_folder or self._included(entry.name):
                    (folders if is_folder else files).append(entry.name)
        return files, folders, frozenset(self.messages)

    def _entries(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise Unavailable(f"folder {self.folder.name!r} is unavailable: {reason_of(error)}") from error

    def _items(self, entries: Iterable[os.DirEntry[str]]) -> Iterator[Item]:
        sequences: dict[tuple[str, str], list[tuple[int, str, Verdict]]] = {}
        for entry in entries:
            if not self._admitted(entry):
                continue
            if entry.is_dir():
                if self.rules.singles:
                    yield from self._directory(entry.name)
                continue
            if not self._included(entry.name):
                continue
            verdict = self.verdict(entry) if entry.is_file() else None
            if verdict is None:
                self._tell(logging.INFO, f"skipped {self._shown(entry.name)}: no reader claims it")
                continue
            numbered = _NUMBERED.fullmatch(entry.name[: len(entry.name) - len(verdict.suffix)])
            if numbered and self.rules.sequences and verdict.claim.reader.numbered and verdict.claim.takes_many:
                stem, digits = numbered.groups()
                sequences.setdefault((stem, verdict.media_type), []).append((int(digits), entry.name, verdict))
            elif self.rules.singles:
                key = self.rules.key_of(entry.name)
                yield Item(key, (entry.name,), verdict.claim, verdict.media_type, why=verdict.why)
        for (stem, media_type), members in sequences.items():
            members.sort(key=lambda member: member[:2])
            names = tuple(name for _, name, _ in members)
            first = members[0][2]
            key = self.rules.key_of(stem) or UNNAMED
            yield Item(key, names, first.claim, media_type, sequence=True, why=first.why)

    def _admitted(self, entry: os.DirEntry[str]) -> bool:
        """Whether a name is visible, can travel as text, and does not lead out of the root."""
        if self.rules.admits is None and entry.name.startswith(_HIDDEN):
            self._tell(logging.DEBUG, f"skipped {self._shown(entry.name)}: its name is hidden")
            return False
        try:
            entry.name.encode()
        except UnicodeEncodeError:
            self._tell(logging.WARNING, f"left out {self._shown(entry.name)!a}: its name is no valid text")
            return False
        if self.rules.admits is not None and not self.rules.admits(self.folder / entry.name):
            self._tell(logging.DEBUG, f"skipped {self._shown(entry.name)}: the filter leaves it out")
            return False
        if not entry.is_symlink():
            return True
        try:
            self.root.check(self.folder / entry.name)
        except KernelError as error:
            self._tell(logging.WARNING, f"left out {self._shown(entry.name)}: {error}")
            return False
        return True

    def _included(self, name: str) -> bool:
        if not self.rules.include or name.lower().endswith(self.rules.include):
            return True
        self._tell(logging.DEBUG, f"skipped {self._shown(name)}: it has none of the suffixes that are included")
        return False

    def _directory(self, name: str) -> Iterator[Item]:
        verdict = directory_verdict(name, self.rules)
        key = self.rules.key_of(name)
        if verdict is None:
            yield Item(key, (name,))
        elif self._included(name):
            yield Item(key, (name,), verdict.claim, verdict.media_type, why=verdict.why)

    def verdict(self, entry: os.DirEntry[str] | Path) -> Verdict | None:
        by_name = self._by_name(entry.name)
        if by_name is not None and self.rules.hook is None:
            return by_name
        try:
            status = entry.stat()
        except OSError:  # deleted, or not for us
            return None
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = self.known.get(entry.name)
        verdict = known[1] if known is not None and known[0] == stamp else self._look(entry.name, by_name)
        self.sniffed[entry.name] = stamp, verdict
        short = status.st_size < self.rules.readers.signature_length
        self.growing |= verdict is None and short and self.now - status.st_mtime_ns < GROWING_NS
        return verdict

    def _by_name(self, name: str) -> Verdict | None:
        readers = self.rules.readers
        last = ""
        for suffix in suffixes_of(name):
            last = suffix
            media_type = self.rules.extensions.get(suffix)
            claim = readers.of_suffix(suffix) if media_type is None else readers.by_media_type(media_type)
            if claim is not None:
                why = f"suffix {suffix}" if media_type is None else f"option {suffix}={media_type}"
                return Verdict(claim, media_type or claim.reader.media_type, suffix, why)
        media_type = media_type_of_suffix(last[1:]) if last else None
        claim = readers.by_media_type(media_type) if media_type else None
        if claim is None or media_type is None:
            return None
        return Verdict(claim, media_type, last, f"suffix {last} usually means {media_type}")

    def _look(self, name: str, by_name: Verdict | None) -> Verdict | None:
        path = self.folder / name
        suffix = by_name.suffix if by_name else path.suffix
        verdict = by_name or self._by_signature(path, suffix)
        if self.rules.hook is None:
            return verdict
        so_far = verdict.media_type if verdict else media_type_of_suffix(path.suffix[1:])
        try:
            media_type = self.rules.hook(path, so_far)
        except Exception as error:
            logger.warning("the media type hook failed for %s: %r", self._shown(name), error, exc_info=True)
            return verdict
        if verdict is not None and media_type == verdict.media_type:
            return verdict
        claim = self.rules.readers.by_media_type(media_type) if isinstance(media_type, str) else None
        if claim is None:
            self._tell(logging.INFO, f"skipped {self._shown(name)}: no reader for {media_type!r}, which the hook says")
            return None
        return Verdict(claim, str(media_type), suffix, "hook")

    def _by_signature(self, path: Path, suffix: str) -> Verdict | None:
        length = self.rules.readers.signature_length
        if not length:
            return None
        try:
            with path.open("rb") as file:
                head = file.read(length)
        except OSError:
            return None
        claim = self.rules.readers.by_signature(head)
        return Verdict(claim, claim.reader.media_type, suffix, "how it begins") if claim is not None else None

    def _unique(self, items: Iterable[Item]) -> dict[str, Item]:
        wanted: dict[str, list[Item]] = {}
        for item in items:
            wanted.setdefault(item.key, []).append(item)
        unique = {}
        for key in sorted(wanted):
            item, *others = wanted[key]
            if not others:
                unique[key] = item
                continue
            names = " and ".join(self._shown(rival.names[0]) for rival in (item, *others))
            self._tell(
                logging.WARNING,
                f"{names} want the same key {key!r}, so none of them is listed: rename them, or keep their suffixes",
            )
        return unique

    def _shown(self, name: str) -> str:
        return self.root.shown(self.folder / name)

    def _tell(self, level: int, text: str) -> None:
        self.messages.add((level, text))
