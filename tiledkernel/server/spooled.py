"""Bodies in formats whose libraries need a file to write into: made in a temporary file, sent in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

PIECE = 1 << 20  # bytes


def spooled(write: Callable[[Path], None]) -> Iterator[bytes]:
    """What `write` puts into the file at the path that it gets; nothing of it stays on the disk.

    The file is made when the first piece is asked for, and is gone when the last one has been, or nobody wants more.
    """
    with TemporaryDirectory(prefix="tiledkernel-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "body"
        write(path)
        with path.open("rb") as file:
            with suppress(PermissionError):  # a system that keeps the names of open files; the folder goes later
                path.unlink()  # now, so that it cannot outlive a process that is killed while it sends
            while piece := file.read(PIECE):
                yield piece
