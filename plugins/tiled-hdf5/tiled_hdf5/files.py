"""The HDF5 file that is served, and the files beside it that it may lead to."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeAlias

import h5py
from msgspec import Struct

from tiled_hdf5.options import DEFAULTS, HDF5Options
from tiledkernel.errors import BrokenLink, ConfigurationError, Forbidden, KernelError, NotReady
from tiledkernel.nodes.paths import SafeRoot

SWMR_VARIABLE = "TILED_HDF5_SWMR_DEFAULT"
CHUNK_CACHE = 1 << 20  # bytes per open dataset; many are open at a time
MAX_OBJECTS = 128  # open groups and datasets that are remembered
MAX_FILES = 32  # files that external links lead to, open at a time

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_WRITING, _SWMR_WRITING = 1, 4  # bits of the superblock's consistency flags

Stamp: TypeAlias = tuple[int, int, int]


class OpenFile(Struct, frozen=True, eq=False):
    """An open HDF5 file, and how it looked on disk when it was opened."""

    path: Path
    handle: h5py.File
    stamp: Stamp

    @property
    def root(self) -> h5py.h5g.GroupID:
        """The root group."""
        return self.handle["/"].id


class Files:
    """One served file, with what it refers to below its own folder; all its nodes share this.

    It also remembers the latest groups and datasets that were opened: walking the same path again costs little. What
    is remembered never refers back to this object, so that the files close as soon as the last node goes.
    """

    def __init__(self, path: Path, options: HDF5Options = DEFAULTS) -> None:
        self._options = options
        real = path.resolve(strict=True)
        self._folder = SafeRoot(real.parent)
        self._others: OrderedDict[Path, OpenFile] = OrderedDict()
        self._objects: OrderedDict[Hashable, Any] = OrderedDict()
        self.main = _open(real, options)

    def open(self, path: Path) -> OpenFile:
        """The file that an external link names, opened anew if it has changed; `path` must have been checked."""
        if path == self.main.path:
            return self.main
        known = self._others.get(path)
        if known is not None and known.stamp == stamp_of(path):
            return known
        if known is not None:  # HDF5 would share the state of the old one with the new one
            del self._others[path]
            for key in [key for key in self._objects if isinstance(key, tuple) and key[0] is known]:
                self.forget(key)
            del known
        try:
            opened = self._others[path] = _open(path, self._options)
        except OSError as error:
            raise BrokenLink(f"the link leads to {path.name!r}, which cannot be opened as HDF5: {error}") from error
        while len(self._others) > MAX_FILES:
            self._others.popitem(last=False)
        return opened

    def check(self, name: str, beside: Path, what: str) -> Path:
        """The real path of a file that `what` refers to as `name`; BrokenLink if it is missing or out of bounds.

        Relative names start in the folder of the file that holds the reference, never in the working directory.
        """
        try:
            return self._folder.check(beside.parent / name)
        except Forbidden:
            raise BrokenLink(
                f"{what} leads to {name!r}, outside the folder of the file: only files in that folder and below it "
                "are followed; move the target there, or serve it by itself"
            ) from None
        except KernelError as error:
            raise BrokenLink(f"{what} leads to {name!r}, which is not there: {error}") from None

    def remembered(self, key: Hashable) -> Any | None:
        """What was opened under this key, if it is still here."""
        found = self._objects.get(key)
        if found is not None:
            self._objects.move_to_end(key)
        return found

    def remember(self, key: Hashable, opened: Any) -> None:
        """Keep an open group or dataset, and let the one go that was not used for longest."""
        self._objects[key] = opened
        while len(self._objects) > MAX_OBJECTS:
            self._objects.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Let an open object go."""
        del self._objects[key]


def stamp_of(path: Path) -> Stamp | None:
    """What changes on disk when a file changes; None if the file is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _open(path: Path, options: HDF5Options) -> OpenFile:
    """Open for reading, by default without file locks: a reader must never stand in a writer's way."""
    stamp = stamp_of(path)
    if stamp is None or not path.is_file():
        raise FileNotFoundError(f"no file {path.name!r}")
    swmr = _swmr() if options.swmr is None else options.swmr
    try:
        handle = h5py.File(
            path, "r", locking=options.locking, swmr=swmr, libver=options.libver, rdcc_nbytes=CHUNK_CACHE
        )
    except OSError as error:
        handle = _open_in_use(path, error)
    return OpenFile(path, handle, stamp)


def _open_in_use(path: Path, error: OSError) -> h5py.File:
    """The file if another program, or other code in this process, has it open in a way that explains the error."""
    flags = _consistency_flags(path)
    if flags & _SWMR_WRITING:
        return h5py.File(path, "r", locking=False, swmr=True, rdcc_nbytes=CHUNK_CACHE)
    if flags & _WRITING:
        raise NotReady(
            f"{path.name!r} is being written by a program that lets nobody read meanwhile: ask again when it is done, "
            "or let it write in SWMR mode; if it has crashed, 'h5clear -s' on the file removes the mark it left"
        ) from error
    try:  # one process must open a file with the same kind of lock everywhere
        return h5py.File(path, "r", rdcc_nbytes=CHUNK_CACHE)
    except OSError:
        raise error from None


def _consistency_flags(path: Path) -> int:
    """What the superblock says about writers; 0 for older formats, which do not say."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[11] if head[:8] == _SIGNATURE and len(head) == 12 and head[8] >= 3 else 0


def _swmr() -> bool:
    text = os.environ.get(SWMR_VARIABLE, "0").strip().lower()
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"", "0", "false", "no", "off"}:
        return False
    raise ConfigurationError(f"{SWMR_VARIABLE}={text!r} cannot be used: expected 1 (single writer, many readers) or 0")
