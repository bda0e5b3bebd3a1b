"""Folders of files as trees: a live mirror, which opens a file when somebody touches it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct, field

from tiledkernel import references
from tiledkernel.errors import BrokenLink, ConfigurationError, NotFound
from tiledkernel.families.container.structure import FAMILY
from tiledkernel.nodes.files import Adopt, FileEntry, Shelf
from tiledkernel.nodes.listings import Listings
from tiledkernel.nodes.open_files import OpenFiles
from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.readers import ReaderTable
from tiledkernel.nodes.walk import (
    Item,
    Listing,
    Rules,
    checked_extensions,
    dotted,
    item_of_directory,
    marked,
    strip_suffixes,
)
from tiledkernel.specs import Spec


class DirectoryOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a tree of files.

    - `path`: the folder.
    - `keep_ext`: keys keep the suffixes of the file names.
    - `include_ext`: only files with one of these suffixes are listed; folders are entered anyway.
    - `ext`: suffix -> media type, for suffixes that no reader claims or that mean something else here.
    - `mimetype_hook`: "module:function" of (path, media type so far or None) -> media type or None.
    - `adapters_by_mimetype`: media type -> "module:object" of a reader of your own.
    - `walkers`: "module:function" of those that group files in their own way, before the rules do.
    """

    path: str
    keep_ext: bool = False
    include_ext: tuple[str, ...] = ()
    ext: dict[str, str] = field(default_factory=dict)
    mimetype_hook: str | None = None
    adapters_by_mimetype: dict[str, str] = field(default_factory=dict)
    walkers: tuple[str, ...] = ()


class DirectoryNode:
    """A folder as a container: its keys are what is there now.

    `trail` are the real paths of the folders above it, by which a link that leads back up is recognised.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(self, folder: Path, shelf: Shelf, listings: Listings, trail: tuple[Path, ...] = ()) -> None:
        self._folder = folder
        self._shelf = shelf
        self._listings = listings
        self._trail = (*trail, folder)
        self.metadata: Mapping[str, Any] = {}

    def keys(self) -> list[str]:
        """The keys in alphabetical order, as they are now; Unavailable if the folder cannot be read."""
        return list(self._listing().items)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._listing().items)

    def __contains__(self, key: object) -> bool:
        return key in self._listing().items

    def __getitem__(self, key: str) -> DirectoryNode | FileEntry:
        """The subfolder, or the file without opening it; BrokenLink if a link leads back up or out."""
        listing = self._listing()
        entry: FileEntry | None = listing.entries.get(key)
        if entry is None:
            item = listing.items[key]
            if item.claim is None:
                return self._folder_of(item) if (marked := self._marked(item)) is None else marked
            entry = listing.entries[key] = FileEntry(item, self._folder, self._shelf)
        return entry

    def _marked(self, item: Item) -> FileEntry | None:
        """A subfolder in the format of a reader that tells by a file in it, which may come and go at any time."""
        found = marked(self._folder, item, self._listings.rules)
        return None if found is None else FileEntry(found, self._folder, self._shelf)

    def _folder_of(self, item: Item) -> DirectoryNode:
        folder = self._shelf.root.check(self._folder / item.names[0])
        if folder in self._trail:
            raise BrokenLink(f"{item.key!r} is a link that leads back to a folder above it")
        return DirectoryNode(folder, self._shelf, self._listings, self._trail)

    def listing_stamp(self) -> tuple[int, int]:
        """A value that differs after children have come or gone; it says nothing about what is in them."""
        return self._listing().stamp

    def _listing(self) -> Listing:
        return self._listings.of(self._folder)

    def __repr__(self) -> str:
        return f"<DirectoryNode {self._folder.name!r}>"


def directory_tree(
    options: DirectoryOptions, readers: ReaderTable, adopt: Adopt, open_files: OpenFiles | None = None
) -> DirectoryNode | FileEntry:
    """The tree of a folder; a folder that is itself in the format of a reader (a Zarr store) is one node.

    ConfigurationError if the folder is none, or if an option names what is not installed.
    """
    rules = _rules(options, readers)
    try:
        root = SafeRoot(Path(options.path).expanduser())
    except NotFound as error:
        raise ConfigurationError(str(error)) from error
    if not root.path.is_dir():
        raise ConfigurationError(f"{options.path!r} is a file: expected the folder in which it lies")
    shelf = Shelf(root, OpenFiles() if open_files is None else open_files, adopt)
    item = item_of_directory(root.path, rules)
    if item.claim is not None:
        return FileEntry(item, root.path.parent, shelf)
    return DirectoryNode(root.path, shelf, Listings(root, rules))


def _rules(options: DirectoryOptions, readers: ReaderTable) -> Rules:
    return Rules(
        readers=readers,
        key_of=str if options.keep_ext else strip_suffixes,
        include=tuple(map(dotted, options.include_ext)),
        extensions=checked_extensions(options.ext, readers),
        hook=references.load(options.mimetype_hook) if options.mimetype_hook else None,
        walkers=tuple(map(references.load, options.walkers)),
    )
