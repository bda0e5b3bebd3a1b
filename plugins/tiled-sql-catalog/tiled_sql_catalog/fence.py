"""The folders that files may lie in: nothing else is ever registered, read or handed out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tiledkernel.errors import BadRequest, Forbidden, Gone, NotFound, Unprocessable
from tiledkernel.nodes.files import Adopt, Shelf
from tiledkernel.nodes.open_files import OpenFiles
from tiledkernel.nodes.paths import SafeRoot, files_below
from tiledkernel.nodes.protocols import Asset
from tiledkernel.nodes.storing import path_of_uri

OPEN_FILES = 100
_WHERE = ("body", "data_sources", "assets")


class Fence:
    """Files of a catalog, through the folders that it may read; one that is not there yet may come later."""

    def __init__(self, folders: Sequence[Path], adopt: Adopt) -> None:
        self._open_files = OpenFiles(OPEN_FILES)
        self._adopt = adopt
        self._missing = [folder.absolute() for folder in folders]
        self._shelves: list[Shelf] = []
        self._look_again()

    def _look_again(self) -> None:
        for folder in self._missing:
            if folder.is_dir():
                self._shelves.append(Shelf(SafeRoot(folder), self._open_files, self._adopt))
        self._missing = [folder for folder in self._missing if not folder.is_dir()]

    def check(self, path: Path) -> tuple[Path, Shelf]:
        """The real path and the folder that it is in; Forbidden if it is in none, NotFound if nothing is there."""
        missing: NotFound | None = None
        if self._missing:
            self._look_again()
        for shelf in self._shelves:
            try:
                return shelf.root.check(path), shelf
            except Forbidden:
                continue
            except NotFound as error:
                missing = error
        raise missing or Forbidden(f"{path.name!r} lies outside the folders that this catalog may read")

    def admit(self, asset: Asset) -> int | None:
        """The size of a file that is to be registered, None of a folder; Forbidden if it may not be read."""
        shown = repr(asset.data_uri)[:200]
        try:
            path, _ = self.check(path_of_uri(asset.data_uri))
        except NotFound:
            raise Unprocessable(f"there is nothing at {shown}", *_WHERE) from None
        except Gone as error:  # no file at all
            raise Unprocessable(str(error), *_WHERE) from None
        except Forbidden:
            raise Forbidden(
                f"{shown} lies outside the folders that this catalog may read: 'readable_storage' of its configuration "
                "lists them"
            ) from None
        if path.is_dir() != asset.is_directory:
            kind = "a folder" if path.is_dir() else "a file"
            raise Unprocessable(f"{shown} is {kind}: set 'is_directory' so", *_WHERE)
        return None if asset.is_directory else path.stat().st_size

    def file_of(self, asset: Asset, relative_path: str | None) -> Path:
        """The path of a file to hand out; of a directory, `relative_path` says which of its files."""
        path, shelf = self._asset(asset)
        if asset.is_directory:
            if relative_path is None:
                raise BadRequest(f"asset {asset.id} is a directory: 'relative_path' must say which of its files")
            path = shelf.root.below(path, relative_path)
        elif relative_path is not None:
            raise BadRequest(f"asset {asset.id} is a file: 'relative_path' is for directories")
        if not path.is_file():
            raise NotFound(f"asset {asset.id} has no file {relative_path or path.name!r}")
        return path

    def files_of(self, asset: Asset) -> list[str]:
        """Relative paths of all files in a directory."""
        if not asset.is_directory:
            raise BadRequest(f"asset {asset.id} is a file: only directories have a manifest")
        return list(files_below(self._asset(asset)[0]))

    def _asset(self, asset: Asset) -> tuple[Path, Shelf]:
        try:
            return self.check(path_of_uri(asset.data_uri))
        except Gone:
            raise BadRequest(f"asset {asset.id} is no file on this machine: read it through the node") from None
