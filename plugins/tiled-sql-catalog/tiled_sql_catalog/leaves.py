"""Nodes whose data rest in files: described by the catalog, read by the readers of the installed plugins."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, wraps
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from tiled_sql_catalog.records import Node
from tiled_sql_catalog.store import Store
from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.errors import Forbidden, NotFound, Unavailable
from tiledkernel.nodes.files import FileEntry, Shelf
from tiledkernel.nodes.open_files import OpenFiles
from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.readers import ReaderTable
from tiledkernel.nodes.walk import Item
from tiledkernel.specs import Spec

OPEN_FILES = 100
_MANY = "multipart/related;type="


class Leaves:
    """Makes the nodes of a catalog that are no containers; `readable` are the folders that files may lie in."""

    def __init__(self, store: Store, readable: Sequence[Path], composition: Composition) -> None:
        self._store = store
        self._readers = ReaderTable(composition.readers, composition.prefer)
        self._families = composition.families
        open_files = OpenFiles(OPEN_FILES)
        self._shelves = [Shelf(SafeRoot(root), open_files, composition.adopt) for root in readable]

    def __call__(self, node: Node) -> Any:
        """The node of a row."""
        return Leaf(node, self)

    def source(self, node: Node) -> DataSource:
        """Where the data of a node rest; Unavailable if nobody said."""
        found = self._store.data_sources(node).get(node.id)
        if not found:
            raise Unavailable(f"{node.key!r} is unavailable: the catalog does not know where its data are")
        return found[0]

    def structure(self, node: Node) -> Any:
        """What the data of a node look like; Unavailable if no plugin knows the family."""
        family = self._families.get(node.family)
        if family is None:
            raise Unavailable(f"{node.key!r} is unavailable: no plugin knows the family {node.family!r}")
        try:
            return msgspec.convert(self.source(node).structure, references.load(family.structure))
        except msgspec.ValidationError as error:
            raise Unavailable(
                f"{node.key!r} is unavailable: its structure is none of a {node.family}: {error}"
            ) from None

    def file(self, node: Node) -> FileEntry:
        """The file of a node, which opens it with the reader of its media type; an error says what is missing."""
        source = self.source(node)
        media_type = source.mimetype or ""
        sequence = media_type.startswith(_MANY)
        media_type = media_type.removeprefix(_MANY)
        files = [asset for asset in source.assets if asset.parameter is not None]
        directory = bool(files) and files[0].is_directory
        claim = self._readers.by_media_type(media_type, directory=directory)
        if claim is None or not files:
            reason = f"no installed plugin reads {media_type!r}" if files else "it has no files"
            raise Unavailable(f"{node.key!r} is unavailable: {reason}")
        paths, shelf = self._checked([asset.data_uri for asset in files], node.key)
        folder = Path(os.path.commonpath([path.parent for path in paths]))
        names = tuple(path.relative_to(folder).as_posix() for path in paths)
        return FileEntry(Item(node.key, names, claim, media_type, sequence=sequence), folder, shelf)

    def _checked(self, uris: Sequence[str], key: str) -> tuple[list[Path], Shelf]:
        """The real paths of files inside one of the readable folders; Forbidden if they are elsewhere."""
        wanted = [_path_of(uri, key) for uri in uris]
        for shelf in self._shelves:
            try:
                return [shelf.root.check(path) for path in wanted], shelf
            except Forbidden:
                continue
            except NotFound:
                raise Unavailable(f"{key!r} is unavailable: a file of it is gone") from None
        raise Forbidden(f"{key!r} cannot be read: its files are outside the folders that this catalog may read")


def _path_of(uri: str, key: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise Unavailable(f"{key!r} is unavailable: its data are at a place of another kind than a file")
    return unquote(parts.path)


class Leaf:
    """A node with data: what it is stands in the catalog, and what it holds is read from its files when asked for."""

    def __init__(self, node: Node, leaves: Leaves) -> None:
        self.node = node
        self.family = node.family
        self._leaves = leaves

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the catalog says about the data."""
        return self.node.metadata

    @property
    def specs(self) -> tuple[Spec, ...]:
        """Promises beyond the structure."""
        return self.node.specs

    @property
    def access_tags(self) -> frozenset[str]:
        """What an access policy goes by."""
        return self.node.access_tags or frozenset()

    @cached_property
    def structure(self) -> Any:
        """What the data look like, as the catalog knows it."""
        return self._leaves.structure(self.node)

    @cached_property
    def _file(self) -> FileEntry:
        return self._leaves.file(self.node)

    def __getattr__(self, name: str) -> Any:
        """What the node has that the reader made of the files; methods exclude others if the reader wants that."""
        if name.startswith("_") or name in ("in_memory", "waiting", "stale_after"):
            raise AttributeError(name)
        found = getattr(self._file.open(), name)
        return _guarded(found, self._file) if callable(found) else found

    def __repr__(self) -> str:
        return f"<Leaf {self.node.key!r} of family {self.family!r}>"


def _guarded(method: Callable[..., Any], file: FileEntry) -> Callable[..., Any]:
    @wraps(method)
    def call(*arguments: Any, **options: Any) -> Any:
        with file.guard:
            return method(*arguments, **options)

    return call
