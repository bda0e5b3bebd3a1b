"""Several files of a folder changed as one: all or none of them, whenever the process or the machine stops.

What is to become of the files is written beside them, on disk, before a journal says so. From then on the change is
made, by whoever comes next if need be; but if the catalog has to agree, only once it does. Those who look for a journal
hold the folder's lock, or see when there is one that they have to wait for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from tiledkernel.nodes.durable import make_folders, place_file, sync_folder, write_file

JOURNAL = ".journal"
_STAGED = ".staged-"


class _Journal(Struct, frozen=True, forbid_unknown_fields=True):
    """Which staged files become which; the change counts if the catalog knows of `change`, or if that is None."""

    files: dict[str, str]
    change: str | None


class Staging:
    """New contents of files, which wait beside them."""

    def __init__(self, folder: Path, change: str | None) -> None:
        self._folder = folder
        self._change = change
        self._files: dict[str, str] = {}

    def add(self, key: str, content: bytes) -> None:
        """Write what a file is to become."""
        name = f"{_STAGED}{len(self._files)}"  # what a killed process has left under such a name is written over
        self._files[name] = key
        place_file(self._folder / name, content)

    def seal(self) -> None:
        """From now on the change is made, if the catalog agrees."""
        sync_folder(self._folder)
        write_file(self._folder / JOURNAL, msgspec.json.encode(_Journal(self._files, self._change)))

    def discard(self) -> None:
        """Forget the change, before it was sealed."""
        _discard(self._folder, self._files)

    def finish(self) -> None:
        """Make the change."""
        _finish(self._folder, self._files)


@contextmanager
def staging(folder: Path, change: str | None = None) -> Iterator[Staging]:
    """A change of several files; who leaves the block without having sealed it has changed nothing."""
    staged = Staging(folder, change)
    try:
        yield staged
    except BaseException:
        if not (folder / JOURNAL).exists():
            staged.discard()
        raise


def is_pending(folder: Path) -> bool:
    """Whether a change was sealed and not finished yet."""
    return (folder / JOURNAL).exists()


def settle(folder: Path, agreed: Callable[[str], bool]) -> None:
    """Finish or drop a change that somebody could not finish; the folder is locked."""
    try:
        journal = msgspec.json.decode((folder / JOURNAL).read_bytes(), type=_Journal)
    except FileNotFoundError:
        return
    if journal.change is None or agreed(journal.change):
        _finish(folder, journal.files)
    else:
        _discard(folder, journal.files)
        (folder / JOURNAL).unlink(missing_ok=True)


def _finish(folder: Path, files: dict[str, str]) -> None:
    """Give the files their names, some of which may have theirs already."""
    parents = {folder}
    for name, key in files.items():
        target = folder / key
        if target.parent not in parents:
            make_folders(target.parent)
            parents.add(target.parent)
        with contextlib.suppress(FileNotFoundError):
            (folder / name).replace(target)
    for parent in parents:
        sync_folder(parent)
    (folder / JOURNAL).unlink(missing_ok=True)


def _discard(folder: Path, files: dict[str, str]) -> None:
    for name in files:
        (folder / name).unlink(missing_ok=True)
