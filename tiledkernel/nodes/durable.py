"""Files that are whole or not there, whenever the process or the machine stops."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PARTIAL = ".partial-"  # how the names of files that are not whole yet begin; no key of a store does


def write_file(path: Path, data: bytes) -> None:
    """Replace or make a file, and return when it is on disk; its folder must be there."""
    place_file(path, data)
    sync_folder(path.parent)


def place_file(path: Path, data: bytes) -> None:
    """As `write_file`, but for the folder, which the caller flushes once all its files are written."""
    partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        try:
            _write_all(descriptor, memoryview(data))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def remove_partial_files(folder: Path, older_than: float) -> None:
    """Remove what killed processes began to write anywhere below a folder, so many seconds ago."""
    limit = time.time() - older_than
    for path in folder.rglob(f"{PARTIAL}*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime <= limit:
                path.unlink()


def remove_emptied(folder: Path) -> None:
    """Remove a folder if nothing is in it but what killed processes began to write."""
    with contextlib.suppress(OSError):
        left = list(folder.iterdir())
        if all(path.name.startswith(PARTIAL) for path in left):
            for path in left:
                path.unlink(missing_ok=True)
            folder.rmdir()


def make_folders(path: Path) -> None:
    """Make a folder and those above it, as far as they are missing, and return when they are on disk."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder, which is on disk afterwards with what was put into it, or is gone if that failed."""
    make_folders(path.parent)
    path.mkdir()
    try:
        yield path
        sync_folder(path)
        sync_folder(path.parent)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def sync_folder(path: Path) -> None:
    """Return when the names in a folder are on disk."""
    if sys.platform == "win32":
        return  # where folders cannot be opened, and renaming is on disk when it returns
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a folder's lock, which excludes other threads and processes; of `shared` holders there may be many."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
