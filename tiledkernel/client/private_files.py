"""Files that hold secrets: only their owner may read them, and they are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tiledkernel.client.cache_dir import make_private


def write_private(file: Path, text: str) -> None:
    """Put a file, with all that it holds, in its place at once; only its owner may read it."""
    descriptor, temporary = tempfile.mkstemp(prefix=".", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink()
        raise


def make_own(directory: Path) -> None:
    """Make a directory, or take one that exists, such that nobody else may enter it; OSError if that cannot be."""
    make_private(directory)
    if not is_own(directory):
        raise PermissionError(f"{directory} belongs to somebody else")
    if os.name == "posix":
        directory.chmod(0o700)


def is_own(directory: Path) -> bool:
    """Whether a directory belongs to who runs this program; True where files have no owners that can be told."""
    return not hasattr(os, "getuid") or directory.lstat().st_uid == os.getuid()


def is_safe(directory: Path) -> bool:
    """Whether nobody but who runs this program, and the administrator, could have put something else in its place."""
    return is_own(directory) or directory.stat().st_uid == 0
