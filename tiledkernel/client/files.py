"""Where downloads go: whole files under safe names, or buffers; never half a file."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from tiledkernel.client.messages import UnexpectedAnswer

_EXTENDED = re.compile(r"filename\*\s*=\s*utf-8''([^;\s]+)", re.IGNORECASE)
_QUOTED = re.compile(r'filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_BARE = re.compile(r"filename\s*=\s*([^;\s\"]+)", re.IGNORECASE)


def parse_file_name(disposition: str) -> str:
    """The name in a `Content-Disposition` header, checked to be one and no path."""
    if match := _EXTENDED.search(disposition):
        name = unquote(match[1])
    elif match := _QUOTED.search(disposition):
        name = re.sub(r"\\(.)", r"\1", match[1])
    elif match := _BARE.search(disposition):
        name = match[1]
    else:
        raise UnexpectedAnswer(f"the server did not name the file: Content-Disposition is {disposition!r}")
    check_segment(name)
    return name


def check_segment(name: str) -> None:
    """Refuse what is not the name of one file or directory."""
    separators = {"/", os.sep, os.altsep or "/", "\0"}
    if name in ("", ".", "..") or separators & set(name):
        raise UnexpectedAnswer(f"the server names a file {name!r}, which is not a plain file name; nothing was written")


def confined(directory: Path, relative: str) -> Path:
    """The path below `directory` that a server's relative path names; UnexpectedAnswer if it leads out."""
    for segment in relative.split("/"):
        check_segment(segment)
    target = directory / relative
    if not target.resolve().is_relative_to(directory.resolve()):
        raise UnexpectedAnswer(f"{relative!r} leads out of {str(directory)!r}; nothing was written")
    return target


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes its place when it is complete, and leaves nothing behind when it is not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)  # the only way to ask is to set
    os.umask(mask)
    return mask


class Rewinder:
    """Lets a download into somebody's buffer begin again."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer
        self._start = buffer.tell() if buffer.seekable() else None
        self._written = False

    def write(self, pieces: Iterable[Any]) -> None:
        """Write all pieces where the first attempt began."""
        if self._written:
            if self._start is None:
                raise OSError("the download broke off, and the buffer cannot be rewound to begin again")
            self._buffer.seek(self._start)
            self._buffer.truncate()
        self._written = True
        for piece in pieces:
            self._buffer.write(piece)
