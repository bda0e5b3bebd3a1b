"""Where downloads go: whole files under safe names, or buffers; never half a file."""

from __future__ import annotations

import io
import os
import re
import secrets
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any
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


class IntoFile:
    """A file that takes its place when it is complete; then its path is the result. Else nothing is left behind."""

    def __init__(self, target: Path) -> None:
        self._target = target.resolve()
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._part = self._target.with_name(f".{secrets.token_hex(8)}.part")
        self._file = self._part.open("xb")

    def write(self, piece: Any) -> None:
        """Append a piece."""
        self._file.write(piece)

    def finish(self) -> Path:
        """The file gets its name."""
        self._file.close()
        return self._part.replace(self._target)

    def abandon(self) -> None:
        """No file remains."""
        self._file.close()
        self._part.unlink(missing_ok=True)


def into_file(target: Path) -> IntoFile | IntoDevice:
    """What writes to a path: a file appears when it is whole; what is no regular file is written to as it is."""
    is_device = target.exists() and not target.is_file() and not target.is_dir()
    return IntoDevice(target) if is_device else IntoFile(target)


class IntoDevice:
    """A pipe or a device, which gets the pieces as they come."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._file = target.open("wb")

    def write(self, piece: Any) -> None:
        """Pass a piece on."""
        self._file.write(piece)

    def finish(self) -> Path:
        """That was all."""
        self._file.close()
        return self._target

    def abandon(self) -> None:
        """What is out cannot be taken back."""
        self._file.close()


class IntoMapping:
    """A buffer that is put into a mapping when it is complete; then its key is the result."""

    def __init__(self, mapping: MutableMapping[str, Any], key: str) -> None:
        self._mapping = mapping
        self._key = key
        self._buffer = io.BytesIO()

    def write(self, piece: Any) -> None:
        """Append a piece."""
        self._buffer.write(piece)

    def finish(self) -> str:
        """The mapping gets the buffer, rewound."""
        self._buffer.seek(0)
        self._mapping[self._key] = self._buffer
        return self._key

    def abandon(self) -> None:
        """The mapping stays as it was."""


class Rewinder:
    """Lets a download into somebody's buffer begin again; each attempt gets a sink of its own."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer
        self._start = buffer.tell() if buffer.seekable() else None
        self._written = False

    def sink(self) -> IntoBuffer:
        """What writes where the first attempt began."""
        if self._written:
            if self._start is None:
                raise OSError("the download broke off, and the buffer cannot be rewound to begin again")
            self._buffer.seek(self._start)
            self._buffer.truncate()
        self._written = True
        return IntoBuffer(self._buffer)


class IntoBuffer:
    """Writes into a buffer as the pieces come."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer

    def write(self, piece: Any) -> None:
        """Append a piece."""
        self._buffer.write(piece)

    def finish(self) -> None:
        """Everything is in the buffer."""

    def abandon(self) -> None:
        """What is in the buffer stays; the next attempt begins where this one did."""
