"""Tables that are kept as files, one for each partition: what all formats of files have in common.

A partition is replaced by renaming a new file into its place. All rows at once are replaced by a new set of files,
which the catalog names from then on. Every partition has a file from the beginning, if only one without rows: a file
that is missing has been lost, and is never taken for an empty one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedWriter
from pathlib import Path
from typing import TypeAlias

import msgspec
import pyarrow
from msgspec import Struct

from tiledkernel.errors import BadRequest, Gone, NotAllowed, NotReady, Unavailable, Unprocessable
from tiledkernel.families.table.drafts import decode_schema, drafted_schema, structure_of
from tiledkernel.families.table.files import placed
from tiledkernel.families.table.fitting import fitted, misfit, recast
from tiledkernel.families.table.parts import FileTable, Part
from tiledkernel.nodes.durable import locked, new_folder, remove_emptied, sync_folder
from tiledkernel.nodes.holding import unless_named
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.storing import Keeper, Location, asset_uri, new_name, path_of_uri

Write: TypeAlias = Callable[[pyarrow.Table, BufferedWriter], None]
Read: TypeAlias = Callable[[Path, pyarrow.Schema], pyarrow.Table]


class TableFiles(Struct, frozen=True):
    """A format of files in which tables are kept; its methods are what a `tiledkernel.Storage` names.

    - `kind`: the name of the format in messages; `suffix`: of its files, with the dot.
    - `write`: function(table, file) that writes all rows of a table into an open file.
    - `read`: function(path, wanted) -> table that reads the columns of the schema `wanted`, in its order and no others,
      after it has made sure, with `check_named`, that the file has them. They may have other types that hold the same
      values.
    """

    kind: str
    media_type: str
    suffix: str
    write: Write
    read: Read

    def create(self, source: DataSource, location: Location, name: str) -> DataSource:
        """A file without rows for each partition; Unprocessable names a column that the format cannot hold."""
        structure = structure_of(source)
        schema = drafted_schema(structure)
        made = msgspec.structs.replace(source, structure=structure, mimetype=self.media_type)
        with new_folder(location.path_of(name)) as folder:
            self._make_empty(folder, structure.npartitions, schema)
        return self._placed(made, location, name, structure.npartitions)

    def open(self, source: DataSource, location: Location, keeper: Keeper) -> StoredTable:
        """The table, to be read and written."""
        return StoredTable(self, source, location, keeper)

    def delete(self, source: DataSource, location: Location) -> None:
        """Remove the files, and their folder if nothing else is in it."""
        for path in paths_of(source, location):
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths_of(source, location)}:
            remove_emptied(folder)

    def make(self, tables: Sequence[pyarrow.Table], source: DataSource, location: Location) -> DataSource:
        """New files with the rows of each partition, beside those that there are."""
        name = new_name()
        with new_folder(location.path_of(name)) as folder:
            for number, table in enumerate(tables):
                self.put(folder / self._file(number), table)
        return self._placed(source, location, name, len(tables))

    def put(self, path: Path, table: pyarrow.Table) -> None:
        """Write a file that is whole or not there; Unprocessable if it cannot hold the values."""
        try:
            with placed(path) as file:
                self.write(table, file)
        except pyarrow.ArrowException as error:
            raise Unprocessable(f"these rows cannot be kept as {self.kind}: {_first_line(error)}", "body") from error

    def get(self, path: Path, wanted: pyarrow.Schema) -> pyarrow.Table:
        """The wanted columns of a file, in their types."""
        found = self.read(path, wanted)
        columns = [recast(column, kind) for column, kind in zip(found.columns, wanted.types, strict=True)]
        return pyarrow.Table.from_arrays(columns, schema=wanted)

    def _file(self, number: int) -> str:
        return f"partition-{number}{self.suffix}"

    def _placed(self, source: DataSource, location: Location, name: str, count: int) -> DataSource:
        """The data source with the files in the folder of this name."""
        folder = asset_uri(location.uri_of(name))
        assets = tuple(
            Asset(data_uri=f"{folder}/{self._file(number)}", is_directory=False, parameter="data_uris", num=number)
            for number in range(count)
        )
        return msgspec.structs.replace(source, assets=assets)

    def _make_empty(self, folder: Path, count: int, schema: pyarrow.Schema) -> None:
        """Files without rows; only the first is written, where the others can be links to it."""
        first = folder / self._file(0)
        self._prove(first, schema)
        for number in range(1, count):
            path = folder / self._file(number)
            try:
                path.hardlink_to(first)
            except OSError:  # there are file systems without links, and none has room for any number of them
                self.put(path, schema.empty_table())

    def _prove(self, path: Path, schema: pyarrow.Schema) -> None:
        """Write a file without rows; Unprocessable names a column that does not come back from it."""
        refusal = self._refusal(path, schema)
        if refusal is None:
            return
        for field in schema:
            if refusal := self._refusal(path, pyarrow.schema([field])):
                raise misfit(
                    f"{self.kind} cannot hold the column {field.name!r} of type {field.type}: {refusal}; choose "
                    "another type, or another mimetype",
                    field.name,
                )
        raise Unprocessable(f"{self.kind} cannot hold these columns: {refusal}", "body")

    def _refusal(self, path: Path, schema: pyarrow.Schema) -> str | None:
        """Why columns do not come back from a file of this format; None if they do."""
        try:
            self.put(path, schema.empty_table())
            self.get(path, schema)
        except (Unprocessable, pyarrow.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the disk's reasons, not the format's
                raise
            return _first_line(error)
        return None


class StoredTable(FileTable):
    """A table in files of ours, to be read and written; whoever asks for it anew gets one of these."""

    def __init__(self, form: TableFiles, source: DataSource, location: Location, keeper: Keeper) -> None:
        self._form = form
        self._location = location
        self._keeper = keeper
        self._source = source
        self._was_read = False
        structure = structure_of(source)
        super().__init__(form.kind, self._find(source), decode_schema(structure), {}, self._read)
        self.structure = structure  # word for word what the catalog says

    def _find(self, source: DataSource) -> tuple[Part, ...]:
        return tuple(Part(path) for path in paths_of(source, self._location))

    def _read(self, part: Part, wanted: pyarrow.Schema) -> pyarrow.Table:
        return self._form.get(part.path, wanted)

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pyarrow.Table:
        """One partition; NotReady if all rows have been replaced after others of them were read."""
        try:
            table = super().read_partition(partition, columns)
        except Gone as error:
            current = self._keeper.current()
            if _uris(current) == _uris(self._source):
                raise
            if self._was_read:
                raise NotReady("all rows of this table were replaced while it was being read: ask again") from error
            self._source, self._parts = current, self._find(current)
            table = super().read_partition(partition, columns)
        self._was_read = True
        return table

    def write(self, data: pyarrow.Table) -> None:
        """Replace all rows, which are divided evenly; readers see what was before, or all of it."""
        rows = fitted(data, self._schema)
        with self._held() as source:
            made = self._form.make(divided(rows, self.structure.npartitions), source, self._location)
            with unless_named(self._keeper, made, lambda: self._form.delete(made, self._location)):
                self._keeper.commit(made)
            self._source, self._parts = made, self._find(made)
            for folder in {path.parent for path in paths_of(source, self._location)}:
                remove_emptied(folder)

    def write_partition(self, partition: int, data: pyarrow.Table) -> None:
        """Replace the rows of one partition."""
        check_partition(partition, self.structure.npartitions)
        rows = fitted(data, self._schema)
        with self._held(shared=True) as source:
            path = paths_of(source, self._location)[partition]
            self._form.put(path, rows)
            sync_folder(path.parent)

    def append_partition(self, partition: int, data: pyarrow.Table, key: str | None = None) -> None:
        """Not possible: a file is written whole."""
        del partition, data, key
        raise NotAllowed(
            f"a table that is kept as {self._kind} cannot grow: write a whole partition, or make an appendable table, "
            "with the mimetype 'application/x-tiled-sql-table' (in Python: create_appendable_table)"
        )

    @contextmanager
    def _held(self, *, shared: bool = False) -> Iterator[DataSource]:
        """The data source as it is; meanwhile nobody replaces its files, nor writes any of them unless `shared`."""
        source = self._keeper.current()
        while True:
            with ExitStack() as stack:
                folder = paths_of(source, self._location)[0].parent
                with suppress(FileNotFoundError):
                    stack.enter_context(locked(folder, shared=shared))
                current = self._keeper.current()
                if _uris(current) == _uris(source):
                    if not folder.is_dir():
                        raise Gone(f"the files of this table are gone: there is no folder {folder.name!r} any more")
                    yield current
                    return
                source = current


def paths_of(source: DataSource, location: Location) -> list[Path]:
    """The files of a data source, in the order of their partitions; an error if they lie outside the location."""
    folder = location.folder
    paths = [path_of_uri(asset.data_uri) for asset in source.assets if asset.parameter is not None]
    for path in paths:
        if ".." in path.parts or not path.is_relative_to(folder):
            raise Unavailable(f"{path.name!r} lies outside the place where uploaded data are kept")
    return paths


def _uris(source: DataSource) -> tuple[str, ...]:
    return tuple(asset.data_uri for asset in source.assets)


def check_partition(partition: int, count: int) -> None:
    """BadRequest if a table with so many partitions does not have this one."""
    if not 0 <= partition < count:
        raise BadRequest(f"no partition {partition}: this table has {count}, numbered from 0")


def divided(table: pyarrow.Table, count: int) -> list[pyarrow.Table]:
    """The rows in so many neighbouring groups of about the same size."""
    bounds = [table.num_rows * number // count for number in range(count + 1)]
    return [table.slice(start, stop - start) for start, stop in itertools.pairwise(bounds)]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
