"""Files as nodes: where a tree meets a reader.

A `FileEntry` stands for a file that is listed but not opened. Opening gives the node that the reader made; what goes
wrong there is this file's misfortune alone: it is listed as unavailable, with the reason.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from msgspec import Struct

from tiledkernel import references, wire
from tiledkernel.errors import BadRequest, KernelError, NotFound, NotReady, Unavailable
from tiledkernel.families.array.structure import FAMILY as ARRAY
from tiledkernel.families.bytes.structure import FAMILY as BYTES
from tiledkernel.families.bytes.structure import BytesStructure
from tiledkernel.nodes.open_files import OpenFiles
from tiledkernel.nodes.paths import SafeRoot, file_uri, files_below, reason_of
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.readers import Claim
from tiledkernel.nodes.stamps import stamp_of
from tiledkernel.nodes.walk import Item
from tiledkernel.records import Reader
from tiledkernel.specs import Spec

logger = logging.getLogger(__name__)

Adopt: TypeAlias = Callable[[Any, Mapping[str, Any] | None, Sequence[Spec | str]], Any]
UNAVAILABLE = Spec("unavailable")
MAX_REASON = 300  # characters
_RESHAPE = "tiledkernel.nodes.reshaped:reshaped"  # by reference: most files are shown as they are
_MAX_STAMPED = 64  # direct entries of a directory that its stamp looks at


class Shelf(Struct, frozen=True):
    """What all files of one tree share: the root, those that are open, and how live objects become nodes."""

    root: SafeRoot
    open_files: OpenFiles
    adopt: Adopt


class FileUnavailable(Unavailable):
    """A file that its reader could not open."""

    def __init__(self, key: str, reason: str, plugin: str, file: str) -> None:
        super().__init__(f"{key!r} is unavailable: {plugin} could not open {file}: {reason}")
        self.reason = reason
        self.plugin = plugin
        self.file = file


class UnavailableNode:
    """What a listing shows in place of a node that cannot be had."""

    family: ClassVar[str] = BYTES
    specs: ClassVar[tuple[Spec, ...]] = (UNAVAILABLE,)
    structure: ClassVar[BytesStructure] = BytesStructure()

    def __init__(self, reason: str, plugin: str, file: str) -> None:
        self.metadata = {"unavailable": {"reason": reason, "plugin": plugin, "file": file}}

    def __repr__(self) -> str:
        return f"<UnavailableNode {self.metadata['unavailable']['file']!r}>"


def unavailable_node(reason: str, plugin: str, file: str) -> UnavailableNode:
    """A node of opaque bytes that any client can list; its metadata says why there is no more."""
    return UnavailableNode(reason, plugin, file)


class FileEntry:
    """A file, a directory in the format of a reader, or a numbered sequence of files, not opened yet.

    `folder` is a checked path. Hold `guard` while touching a node that came from here. `parameters` are handed to the
    reader. With a `structure`, that of an array, the node shows its elements so, whatever shape the file gives them.
    """

    def __init__(
        self,
        item: Item,
        folder: Path,
        shelf: Shelf,
        parameters: Mapping[str, Any] | None = None,
        structure: Any = None,
    ) -> None:
        assert item.claim is not None, "a folder is no file"
        self.key = item.key
        self.claim: Claim = item.claim
        self._item = item
        self._folder = folder
        self._shelf = shelf
        self._parameters = parameters or {}
        self._structure = structure

    @property
    def reader(self) -> Reader:
        """The reader that claims the file."""
        return self.claim.reader

    @property
    def plugin(self) -> str:
        """Name of the plugin that the reader belongs to."""
        return self.claim.plugin

    @property
    def guard(self) -> AbstractContextManager[Any]:
        """Excludes other calls into the reader's library, if it wants that; may be entered again by its holder."""
        return self.claim.guard

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The files, in their order."""
        return tuple(self._folder / name for name in self._item.names)

    @cached_property
    def _last(self) -> Path:
        return self._folder / self._item.names[-1]

    @cached_property
    def _first(self) -> Path:
        return self._folder / self._item.names[0]  # a long sequence need not make all its paths for this

    @property
    def file_name(self) -> str:
        """The file's name for messages; that of the first one of a sequence."""
        return self._item.names[0]

    def stamp(self) -> Hashable:
        """A value that differs after the file was changed; NotFound if it is gone.

        For a directory it covers the reader's markers, or the direct entries if there are none: what changes further
        down is told by nodes that are `Stamped`. For a sequence it covers which files there are, and the content of
        the first and the last.
        """
        try:
            if self._item.sequence:
                return self._names_digest, _status(self._folder), _status(self._first), _status(self._last)
            if self.reader.markers:
                return _status(self._first), _markers(self._first, self.reader.markers)
            if self.reader.directory:
                return _status(self._first), _direct_entries(self._first)
            return _status(self._first)
        except FileNotFoundError:
            raise NotFound(f"{self.key!r} is gone: {self.file_name} was deleted") from None
        except OSError as error:
            raise FileUnavailable(self.key, reason_of(error), self.plugin, self.file_name) from error

    @cached_property
    def _names_digest(self) -> str:
        return hashlib.blake2b("\0".join(self._item.names).encode(), digest_size=12).hexdigest()

    def open(self) -> Any:
        """The node that the reader makes of the file, from the cache if the file has not changed since; see below."""
        return self.open_stamped()[0]

    def open_stamped(self) -> tuple[Any, Hashable]:
        """The node, and the stamp that the file had when it was found current.

        FileUnavailable names the plugin, the file and the reason if that fails; NotFound if the file is gone.
        """
        stamp = self.stamp()
        opened = self._shelf.open_files.peek(self._identity, stamp)
        if opened is not None:
            return self._as_registered(opened), stamp
        with self.guard:  # taken before the cache's own lock, as a caller who holds it already has done
            try:
                opened = self._shelf.open_files.get(self._identity, stamp, self._read)
            except (NotReady, NotFound):
                raise
            except Exception as error:
                if self._shelf.open_files.first_failure(self._identity, stamp):
                    logger.warning("%s could not open %s", self.plugin, self._shown, exc_info=True)
                raise FileUnavailable(self.key, self.reason(error), self.plugin, self.file_name) from error
            return self._as_registered(opened), stamp

    @cached_property
    def _identity(self) -> Hashable:
        """What one opened node can serve: the same files, opened in the same way."""
        given = wire.encode_json(self._parameters) if self._parameters else b""
        return self._folder, self._item.names[0], self._item.sequence, self._item.media_type, given

    def _read(self) -> Any:
        live = self.claim.open(self._checked_paths(), self._parameters, many=self._item.sequence)
        return self._shelf.adopt(live, None, ())

    def _as_registered(self, node: Any) -> Any:
        """The node with the structure that was registered; NotReady or Unavailable if the file does not fit it."""
        if self._structure is None or node.family != ARRAY:
            return node
        with self.guard:
            if node.structure.shape == self._structure.shape:
                return node
            return references.load(_RESHAPE)(node, self._structure, self.file_name, self._age())

    def _age(self) -> float:
        """Seconds since the last file was changed."""
        return time.time() - _status(self._last)[0] / 1e9

    def _checked_paths(self) -> tuple[Path, ...]:
        """The real paths: since they were listed, a part of them may have become a link that leads elsewhere."""
        root = self._shelf.root
        if not self._item.sequence:
            return (root.check(self._first),)
        folder = root.check(self._folder)
        paths = (folder / name for name in self._item.names)
        return tuple(root.check(path) if path.is_symlink() else path for path in paths)

    @property
    def _shown(self) -> str:
        return self._shelf.root.shown(self._first)

    def reason(self, error: BaseException) -> str:
        """The first line of an error, without saying where on the server the file lies."""
        try:
            text = str(error).strip().partition("\n")[0]
        except Exception:  # noqa: BLE001 - an exception of a plugin may raise when it describes itself
            text = ""
        for hidden in (f"{self._folder}/", f"{self._shelf.root.path}/", str(self._shelf.root.path)):
            text = text.replace(hidden, "")
        if " " not in text:  # a bare value, such as the missing key of a KeyError
            text = f"{type(error).__name__}: {text}" if text else type(error).__name__
        return text if len(text) <= MAX_REASON else text[: MAX_REASON - 3] + "..."

    def listed(self) -> Any:
        """The node, or one that says why there is none: a listing shows both."""
        return self.listed_stamped()[0]

    def listed_stamped(self) -> tuple[Any, Hashable]:
        """As `listed`, with the stamp of the file; None if there is no node."""
        try:
            return self.open_stamped()
        except FileUnavailable as error:
            return unavailable_node(error.reason, error.plugin, error.file), None
        except KernelError as error:  # vanished, not ready yet
            return unavailable_node(str(error), self.plugin, self.file_name), None

    def data_source(self, node: Any) -> DataSource:
        """Where the data of `node`, which `open` gave, rest."""
        media_type = self._item.media_type
        return DataSource(
            structure_family=node.family,
            structure={"keys": list(node.keys())} if node.family == "container" else node.structure,
            id=1,
            mimetype=f"multipart/related;type={media_type}" if self._item.sequence else media_type,
            assets=self.assets(),
        )

    def assets(self) -> tuple[Asset, ...]:
        """The files behind the node, with ids that count from 1."""
        sequence = self._item.sequence
        return tuple(
            Asset(
                data_uri=file_uri(path),
                is_directory=self.reader.directory,
                parameter="data_uris" if sequence else "data_uri",
                num=number if sequence else None,
                id=number + 1,
                size=None if self.reader.directory else _size(path),
            )
            for number, path in enumerate(self.paths)
        )

    def asset_path(self, asset_id: int, relative_path: str | None = None) -> Path:
        """The checked path of a file to hand out; of a directory, `relative_path` says which of its files.

        BadRequest if a relative path is missing, superfluous or leads elsewhere; NotFound if there is no such file.
        """
        path = self._asset(asset_id)
        if self.reader.directory:
            if relative_path is None:
                raise BadRequest(f"asset {asset_id} is a directory: 'relative_path' must say which of its files")
            path = self._shelf.root.below(path, relative_path)
        elif relative_path is not None:
            raise BadRequest(f"asset {asset_id} is a file: 'relative_path' is for directories")
        if not path.is_file():
            raise NotFound(f"asset {asset_id} has no file {relative_path or self.file_name!r}")
        return path

    def manifest(self, asset_id: int) -> list[str]:
        """Relative paths of all files in a directory; BadRequest for an asset that is a file."""
        path = self._asset(asset_id)
        if not self.reader.directory:
            raise BadRequest(f"asset {asset_id} is a file: only directories have a manifest")
        return list(files_below(path))

    def _asset(self, asset_id: int) -> Path:
        if not 1 <= asset_id <= len(self._item.names):
            raise NotFound(f"no asset {asset_id}: {self.key!r} has {len(self._item.names)}, counted from 1")
        return self._shelf.root.check(self._folder / self._item.names[asset_id - 1])

    def __repr__(self) -> str:
        return f"<FileEntry {self.file_name!r} read by {self.plugin}>"


def _status(path: Path | str) -> tuple[int, int, int]:
    status = os.stat(path)  # noqa: PTH116 - a text saves making a Path for every request
    return status.st_mtime_ns, status.st_size, status.st_ino


def _markers(directory: Path, names: Sequence[str]) -> Hashable:
    return tuple(stamp_of(directory / name) for name in names)


def _direct_entries(directory: Path) -> Hashable:
    with os.scandir(directory) as entries:
        names = sorted(entry.name for entry in entries)
    return len(names), tuple((name, _status(directory / name)) for name in names[:_MAX_STAMPED])


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # the description of a node stands, also if one of its files is gone
        return None
