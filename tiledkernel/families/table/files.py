"""Files that hold tables: open for the length of a call, read or written, and what is wrong with them said in words."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter
from pathlib import Path

import pyarrow

from tiledkernel.errors import Gone, NotReady, ReadFailed, StorageFull
from tiledkernel.nodes.durable import PARTIAL
from tiledkernel.nodes.stamps import Stamp, stamp_of


@contextmanager
def opened(path: Path, stamp: Stamp | None = None) -> Iterator[pyarrow.NativeFile]:
    """The file, closed afterwards; NotReady if it is not as it had this stamp, or changes while it is read.

    Plain reads, no memory map: they are as fast, and a file that another program cuts short is then an error rather
    than the end of the process.
    """
    with pyarrow.OSFile(str(path), "rb") as source:
        stamp = stamp or stamp_of(path)
        _check_unchanged(path, stamp)
        try:
            yield source
        finally:  # whatever went wrong meanwhile, a change explains it
            _check_unchanged(path, stamp)


def _check_unchanged(path: Path, stamp: Stamp | None) -> None:
    if stamp is None or stamp_of(path) != stamp:
        raise NotReady(f"{path.name} was changed while it was being read: ask again")


@contextmanager
def explained(path: Path, kind: str) -> Iterator[None]:
    """Turn what Arrow says about a file that should be of this kind into a sentence that names it."""
    try:
        yield
    except FileNotFoundError:
        raise Gone(f"{path.name} is gone: it was deleted, or moved, after it was listed") from None
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise ReadFailed(
            f"{path.name} cannot be read as {kind}: {reason}; if it is still being written, wait for its end, "
            "else write it again"
        ) from error


@contextmanager
def placed(path: Path) -> Iterator[BufferedWriter]:
    """A new file to write to, which is on disk and in its place afterwards, unless something went wrong.

    The caller flushes the folder. StorageFull if there is no room left.
    """
    partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise StorageFull(f"there is no room left to store {path.name}: nothing was changed") from error
        raise


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def part_files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The part files in a directory that is one table, in the order of their numbers; ValueError if there are none.

    Names that begin with '_' or '.' are notes that writers leave.
    """
    entries = sorted(folder.iterdir(), key=lambda entry: _natural_order(entry.name))
    parts = [entry for entry in entries if entry.suffix.lower() in suffixes and not entry.name.startswith(("_", "."))]
    parts = [entry for entry in parts if entry.is_file()]
    if not parts:
        nested = next(
            (f"; {entry.name!r} is a folder, which is not looked into" for entry in entries if entry.is_dir()), ""
        )
        raise ValueError(f"{folder.name} holds no file that ends in {' or '.join(suffixes)}{nested}")
    return parts


def _natural_order(name: str) -> list[tuple[int, str]]:
    """A key that sorts 'part.10' behind 'part.9'."""
    pieces: list[str] = re.split(r"(\d+)", name)
    return [(int(piece), piece) if piece.isdecimal() else (-1, piece) for piece in pieces]
