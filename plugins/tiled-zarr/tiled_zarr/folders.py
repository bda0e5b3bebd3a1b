"""The files of a store; nothing that a key or a symbolic link says leads out of it."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tiledkernel.errors import BrokenLink, KernelError, Unavailable
from tiledkernel.nodes.paths import SafeRoot, reason_of
from tiledkernel.nodes.stamps import Stamp, stamp_of_status

MAX_REMEMBERED = 4096
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


class StoreFolder:
    """A store on disk, shared by all its nodes; keys are relative paths with '/', and '' is the store itself."""

    def __init__(self, path: Path) -> None:
        """Raise NotFound if there is nothing at `path`."""
        self._root = SafeRoot(path)
        self._path = str(self._root.path)
        self._remembered: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The real path of the store."""
        return self._root.path

    @property
    def name(self) -> str:
        """The store's name, for messages."""
        return self._root.path.name

    def stamp(self, key: str) -> Stamp | None:
        """What changes when the file at `key` does; None if there is none."""
        try:
            return stamp_of_status(os.stat(self._checked(key)))  # noqa: PTH116 - called for each chunk of a cut
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise _unreadable(key, error) from error

    def read(self, key: str, limit: int) -> bytes | None:
        """All bytes of a file; None if there is none. Unavailable if it cannot be read, or is longer than `limit`."""
        with self.opened(key) as file:
            if file is None:
                return None
            status, descriptor = file
            if status.st_size > limit:
                raise Unavailable(f"{key!r} has {status.st_size:_} bytes, more than the {limit:_} that can be meant")
            return _read(descriptor, status.st_size, 0)

    def read_part(self, key: str, start: int | None, stop: int | None) -> bytes | None:
        """The bytes from `start` to `stop`, which mean what they mean in a slice; None if there is no such file."""
        with self.opened(key) as file:
            if file is None:
                return None
            first, last, _ = slice(start, stop).indices(file[0].st_size)
            return _read(file[1], max(0, last - first), first)

    @contextmanager
    def opened(self, key: str) -> Iterator[tuple[os.stat_result, int] | None]:
        """The status and descriptor of an ordinary file, open for reading; None if there is none."""
        try:
            descriptor = os.open(self._checked(key), os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            if error.errno in _ABSENT:
                yield None
                return
            raise _unreadable(key, error) from error
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):  # a folder, or a pipe that would make us wait
                raise Unavailable(f"{key!r} is no ordinary file, so nothing can be read from it")
            yield status, descriptor
        except OSError as error:
            raise _unreadable(key, error) from error
        finally:
            os.close(descriptor)

    def folders(self, key: str) -> list[str]:
        """Names of the folders in a folder, in order; those that can be no key, or lead out, are left out."""
        try:
            with os.scandir(self._checked(key)) as entries:
                return sorted(entry.name for entry in entries if self._is_visible(entry))
        except OSError as error:
            raise _unreadable(key, error) from error

    def remembered(self, key: Hashable) -> Any:
        """What was last remembered under a key, or None."""
        return self._remembered.get(key)

    def remember(self, key: Hashable, value: Any) -> None:
        """Keep a value under a key, and let the oldest go."""
        with self._lock:
            self._remembered[key] = value
            self._remembered.move_to_end(key)
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)

    def _is_visible(self, entry: os.DirEntry[str]) -> bool:
        if entry.name.startswith(".") or not entry.is_dir():
            return False
        try:
            entry.name.encode()
            if entry.is_symlink():
                self._root.check(entry.path)
        except (UnicodeEncodeError, KernelError):
            return False
        return True

    def _checked(self, key: str) -> str:
        """The path of a key whose parts, links followed, lie inside the store; BrokenLink if they do not."""
        path = self._path
        for part in key.split("/") if key else ():
            if part in ("", ".", "..") or "\0" in part:
                raise BrokenLink(f"{key!r} is no key of a Zarr store")
            path = f"{path}/{part}"
            if stat.S_ISLNK(os.lstat(path).st_mode):
                return self._followed(key)
        return path

    def _followed(self, key: str) -> str:
        try:
            return str(self._root.check(key))
        except KernelError as error:
            raise BrokenLink(f"{key!r} is, or lies behind, a symbolic link that cannot be followed: {error}") from None


def _read(descriptor: int, size: int, offset: int) -> bytes:
    """Exactly `size` bytes, or fewer if the file ends before."""
    pieces = []
    while size > 0:
        piece = os.pread(descriptor, min(size, 1 << 30), offset)
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
        offset += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unreadable(key: str, error: OSError) -> Unavailable:
    return Unavailable(f"{key or 'the store'!r} cannot be read: {reason_of(error)}")
