"""An array that can be overwritten: versions side by side, and a pointer to the one that counts."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tiledkernel.nodes.durable import locked, make_folders, remove_partial_files, sync_folder, write_file
from tiled_zarr.storage import StoredArray
from tiledkernel.errors import NotFound
from tiledkernel.families.array.structure import ArrayStructure

_POINTER = "current"
_SUFFIX = ".zarr"


class VersionedArray:
    """A folder of versions, each a Zarr store of its own; a reader sees one of them, whole, and never a mixture."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def version(self) -> str | None:
        """The name of the version that counts; None if none was ever finished."""
        try:
            return (self.path / _POINTER).read_text().strip()
        except FileNotFoundError:
            return None

    def current(self) -> StoredArray:
        """The version that counts; NotFound if there is none."""
        version = self.version
        if version is None:
            raise NotFound(f"nothing was stored at {self.path.name!r} yet")
        return StoredArray(self.path / version)

    @contextmanager
    def replacing(
        self, structure: ArrayStructure, attributes: Mapping[str, Any] | None = None
    ) -> Iterator[StoredArray]:
        """A new version to write to, which counts once the block is left, and is removed if that is by an error."""
        make_folders(self.path)
        name = f"{secrets.token_hex(8)}{_SUFFIX}"
        array = StoredArray.create(self.path / name, structure, attributes)
        try:
            yield array
            with locked(self.path):
                write_file(self.path / _POINTER, name.encode())
        except BaseException:
            shutil.rmtree(self.path / name, ignore_errors=True)
            raise

    def sweep(self, older_than: float) -> int:
        """Remove versions that do not count and that nobody changed for so many seconds; how many there were.

        Files that a killed process began in the others go too. Readers of a version that goes get an error, never
        fill values.
        """
        removed = 0
        with locked(self.path):
            current = self.version
            for folder in self.path.glob(f"*{_SUFFIX}"):
                if folder.name != current and time.time() - _changed(folder) >= older_than:
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
            remove_partial_files(self.path, older_than)
            sync_folder(self.path)
        return removed

    def __repr__(self) -> str:
        return f"<VersionedArray {self.path.name!r} at {self.version}>"


def _changed(folder: Path) -> float:
    """When anything below a folder was last changed."""
    times = [folder.stat().st_mtime]
    times += [path.stat().st_mtime for path in folder.rglob("*") if path.is_dir()]
    return max(times)
