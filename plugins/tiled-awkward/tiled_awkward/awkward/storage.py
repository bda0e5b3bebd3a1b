"""Awkward arrays that somebody uploads: a folder each, in it a file for each buffer.

Whoever writes one makes another folder, and then lets the catalog say that it counts: readers see one or the other,
never a mixture. The files of an array that nobody has written are there and full of zeros, which take no room.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from msgspec import structs

from tiled_awkward.awkward.forms import blank_sizes, file_names, form_of, structure_of
from tiled_awkward.awkward.structure import FAMILY
from tiled_awkward.folders import asset_of, delete_folder, folder_of, remove_folder
from tiled_awkward.uploads import LIMIT
from tiledkernel.errors import Conflict, NotFound, Unavailable, Unprocessable
from tiledkernel.nodes.durable import new_folder, place_file
from tiledkernel.nodes.holding import holding, unless_named
from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.stamps import stamp_of
from tiledkernel.nodes.storing import Keeper, Location, new_name
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec

MEDIA_TYPE = "application/x-awkward-buffers"


def create(source: DataSource, location: Location, name: str) -> DataSource:
    """Make an awkward array whose buffers are zero."""
    structure = structure_of(source)
    if structure.length < 0:
        raise Unprocessable("the length of an array cannot be negative", "body", "data_sources", "structure", "length")
    form = form_of(structure)
    sizes = blank_sizes(form, structure.length)
    if (total := sum(sizes.values())) > LIMIT:
        raise Unprocessable(
            f"an array of this form and length has {total:_} bytes or more, and at most {LIMIT:_} can be uploaded: "
            "divide it into several",
            "body", "data_sources", "structure", "length", value=structure.length,
        )  # fmt: skip
    files = file_names(form)
    with new_folder(location.path_of(name)) as folder:
        for buffer, size in sizes.items():
            _write_zeros(folder / files[buffer], size)
    return structs.replace(source, mimetype=MEDIA_TYPE, assets=(asset_of(location, name),))


def _write_zeros(path: Path, size: int) -> None:
    with path.open("xb") as file:
        file.truncate(size)
        os.fsync(file.fileno())


def open_stored(source: DataSource, location: Location, keeper: Keeper) -> StoredAwkward:
    """The array of a data source."""
    return StoredAwkward(source, location, keeper)


delete: Callable[[DataSource, Location], None] = delete_folder


class StoredAwkward:
    """An awkward array whose buffers rest in files."""

    family: ClassVar[str] = FAMILY
    metadata: Mapping[str, Any] = {}
    specs: tuple[Spec, ...] = ()

    def __init__(self, source: DataSource, location: Location, keeper: Keeper) -> None:
        self.structure = structure_of(source)
        self._source = source
        self._location = location
        self._keeper = keeper

    def read_buffers(self, names: Collection[str] | None) -> Mapping[str, Any]:
        """The buffers of these names, where they lie; all if None."""
        files = file_names(form_of(self.structure))
        folder = folder_of(self._source, self._location)
        try:
            checked = SafeRoot(self._location.folder).check(folder)
            return {name: _mapped(checked / file) for name, file in files.items() if names is None or name in names}
        except (FileNotFoundError, NotFound) as error:
            missing = Path(error.filename).name if isinstance(error, FileNotFoundError) else folder.name
        current = self._keeper.current()
        if current.assets == self._source.assets:
            raise Unavailable(f"the file {missing!r} of this array, which was written, is missing")
        return StoredAwkward(current, self._location, self._keeper).read_buffers(names)  # it was written anew meanwhile

    def stamp(self, cut: Cut | None) -> Hashable:
        """Which folder counts: all that is ever written to one is there before it does."""
        del cut
        folder = folder_of(self._source, self._location)
        return str(folder), stamp_of(folder)

    def write(self, content: Mapping[str, memoryview]) -> None:
        """Replace all buffers, by their names: readers see those from before, or all of these."""
        files = file_names(form_of(self.structure))
        name = new_name()
        with new_folder(self._location.path_of(name)) as folder:
            for buffer, file in files.items():
                place_file(folder / file, content[buffer])  # type: ignore[arg-type]  # which takes what has a buffer
        made = structs.replace(self._source, assets=(asset_of(self._location, name),))
        with (
            unless_named(self._keeper, made, lambda: remove_folder(folder)),
            holding(self._keeper, self._folder_of) as source,
        ):
            if structure_of(source) != self.structure:
                raise Conflict("the array was described anew while it was being written: look at it again")
            self._keeper.commit(structs.replace(source, assets=made.assets))

    def _folder_of(self, source: DataSource) -> Path:
        return folder_of(source, self._location)

    def __repr__(self) -> str:
        return f"<StoredAwkward of length {self.structure.length}>"


def _mapped(path: Path) -> Any:
    """The content of a file, of which only those pages are read that are looked at."""
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
