"""Data that rest in files which somebody else made: read by the readers of the installed plugins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tiled_sql_catalog.fence import Fence
from tiledkernel.composition import Composition
from tiledkernel.errors import Forbidden, NotFound, Unavailable, UnsupportedMediaType
from tiledkernel.nodes.files import FileEntry, Shelf
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.readers import Claim, ReaderTable
from tiledkernel.nodes.site_readers import MANY
from tiledkernel.nodes.storing import path_of_uri
from tiledkernel.nodes.walk import Item

OPAQUE = "bytes"  # the family of files that are handed out as they are: nobody has to read them


class Files:
    """Makes the file entries of data sources."""

    def __init__(self, composition: Composition, fence: Fence, own: Mapping[str, str]) -> None:
        """`own` names, by media type, readers of the configuration's own, which go before those of plugins."""
        self._readers = ReaderTable(composition.readers, composition.prefer, own)
        self._fence = fence

    def entry(self, key: str, source: DataSource, structure: Any = None) -> FileEntry:
        """The files of a node with the reader of their media type; Unavailable says what is missing.

        With the `structure` of an array its elements are shown so, whatever shape the files give them.
        """
        media_type = (source.mimetype or "").removeprefix(MANY)
        files = _files_of(source)
        sequence = len(files) > 1 or media_type != source.mimetype
        claim = self._claim(media_type, files)
        if claim is None or not files:
            reason = f"no installed plugin reads {media_type!r}" if files else "it has no files"
            raise Unavailable(f"{key!r} is unavailable: {reason}")
        paths, shelf = self._checked([path_of_uri(asset.data_uri) for asset in files], key)
        folder = Path(os.path.commonpath([path.parent for path in paths]))
        names = tuple(path.relative_to(folder).as_posix() for path in paths)
        item = Item(key, names, claim, media_type, sequence=sequence)
        return FileEntry(item, folder, shelf, source.parameters, structure)

    def check_readable(self, source: DataSource) -> None:
        """UnsupportedMediaType if nobody here reads the files of a node that is to be registered."""
        media_type = (source.mimetype or "").removeprefix(MANY)
        files = _files_of(source)
        if files and source.structure_family != OPAQUE and self._claim(media_type, files) is None:
            kind = "directories" if files[0].is_directory else "files"
            raise UnsupportedMediaType(
                f"nobody here reads {kind} of the type {media_type!r}: install a plugin that does, or name a reader "
                "under 'adapters_by_mimetype' of the catalog"
            )

    def _claim(self, media_type: str, files: Sequence[Asset]) -> Claim | None:
        return self._readers.by_media_type(media_type, directory=bool(files) and files[0].is_directory)

    def _checked(self, paths: list[Path], key: str) -> tuple[list[Path], Shelf]:
        """The real paths of files, and the folder that they are in."""
        found = []
        try:
            for path in paths:
                real, shelf = self._fence.check(path)
                found.append(real)
        except NotFound:
            raise Unavailable(f"{key!r} is unavailable: a file of it, {path.name!r}, is gone") from None
        except Forbidden:
            raise Forbidden(
                f"{key!r} cannot be read: its files are outside the folders that this catalog may read"
            ) from None
        return found, shelf


def _files_of(source: DataSource) -> list[Asset]:
    """The files that a reader gets; others only go along."""
    return [asset for asset in source.assets if asset.parameter is not None]
