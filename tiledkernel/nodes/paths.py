"""Checked paths: real files inside the folder that is served, and nothing else.

Every path that a reader, a listing or a download uses has gone through a `SafeRoot`: symbolic links are followed to
where they lead, and what leads out is refused. The messages name files as they appear below the root, never where
the root lies.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from tiledkernel.errors import BadRequest, Forbidden, NotFound, Unavailable

MAX_PATH = 4096  # characters of a path that a caller writes
_REASONS = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "a part of its path is no folder",
    errno.ENAMETOOLONG: "its name is too long for a file",
    errno.ELOOP: "its symbolic links go round in circles",
}


class SafeRoot:
    """A folder that is served; the only way to a path below it."""

    def __init__(self, root: Path | str) -> None:
        """Raise NotFound unless `root` exists."""
        try:
            self.path = Path(os.path.realpath(root, strict=True))
        except OSError as error:
            raise NotFound(f"{os.fspath(root)!r} cannot be served: {reason_of(error)}") from error
        self._prefix = os.path.join(self.path, "")  # noqa: PTH118 - keeps the separator at the end, '/' included

    def check(self, path: Path | str) -> Path:
        """The real path that `path` leads to; relative ones start at the root.

        Forbidden if it leads out of the root, NotFound if it leads nowhere, BadRequest if it can be no path.
        """
        text = os.fspath(path)
        if "\0" in text:
            raise BadRequest(f"{text[:80]!r} is no path: it contains a NUL character")
        try:
            real = os.path.realpath(os.path.join(self.path, text), strict=True)  # noqa: PTH118 - real is text
        except PermissionError:
            raise Unavailable(f"{self.shown(text)!r} is unavailable: the server may not look at it") from None
        except OSError as error:
            if self._escapes(os.path.normpath(os.path.join(self.path, text))):  # noqa: PTH118 - as above
                raise self._forbidden(text) from None  # says nothing about what is out there
            raise NotFound(f"no file {self.shown(text)!r}: {reason_of(error)}") from None
        if self._escapes(real):
            raise self._forbidden(text)
        return Path(real)

    def below(self, folder: Path, relative: str) -> Path:
        """The real path of `relative`, which a caller wrote, inside a checked folder; links cannot leave it."""
        parts = PurePosixPath(relative).parts
        if not relative or len(relative) > MAX_PATH or relative.startswith("/") or ".." in parts:
            raise BadRequest(
                f"{relative[:80]!r} is no path inside this folder: expected a relative path with '/' between its parts "
                "and without '..', as the manifest lists them"
            )
        return SafeRoot(folder).check(relative) if folder != self.path else self.check(relative)

    def shown(self, path: Path | str) -> str:
        """A path as messages show it: below the root, or its last part if it lies elsewhere."""
        text = os.fspath(path)
        if not os.path.isabs(text):  # noqa: PTH117 - may be no valid path
            return text[:200]
        inside = text.removeprefix(self._prefix)
        return inside if inside != text else os.path.basename(text)  # noqa: PTH119 - as above

    def _escapes(self, real: str) -> bool:
        return real != str(self.path) and not real.startswith(self._prefix)

    def _forbidden(self, text: str) -> Forbidden:
        return Forbidden(f"{self.shown(text)!r} leads out of the folder that is served")


def files_below(folder: Path) -> Iterator[str]:
    """Relative paths, with '/', of all regular files below a checked folder, in order; links are not followed."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            with contextlib.suppress(FileNotFoundError):  # deleted while we were looking
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path.relative_to(folder).as_posix()


def file_uri(path: Path) -> str:
    """The URI of a file on this machine, in the form that clients expect."""
    return f"file://localhost{quote(path.as_posix())}"


def reason_of(error: OSError) -> str:
    """Why a file cannot be reached, in words without its path."""
    return _REASONS.get(error.errno or 0) or (error.strerror or type(error).__name__).lower()
