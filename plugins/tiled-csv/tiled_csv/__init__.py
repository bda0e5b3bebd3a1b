"""Serve CSV files as tables, and headerless ones as arrays."""

from __future__ import annotations

from msgspec import structs

from tiledkernel import Reader, Storage, hookimpl

_OPTIONS = "tiled_csv.options:CsvOptions"
READER = Reader(
    media_type="text/csv",
    suffixes=(".csv", ".tsv"),
    open="tiled_csv.reader:open_csv",
    open_many="tiled_csv.reader:open_csv_many",
    parameters=_OPTIONS,
)
#: The same under the name by which some catalogs know such files: the default said aloud.
HEADED_READER = structs.replace(READER, media_type="text/csv;header=present", suffixes=())
ARRAY_READER = Reader(media_type="text/csv;header=absent", open="tiled_csv.reader:open_csv_array", parameters=_OPTIONS)
STORAGE = Storage(
    family="table",
    media_type="text/csv",
    schemes=("file",),
    create="tiled_csv.storage:FILES.create",
    open="tiled_csv.storage:FILES.open",
    delete="tiled_csv.storage:FILES.delete",
    needs=("pyarrow",),
    rank=20,
)


@hookimpl
def register_readers() -> list[Reader]:
    """One reader for tables, and, chosen by media type only, the same by another name, and one for bare numbers."""
    return [READER, HEADED_READER, ARRAY_READER]


@hookimpl
def register_storages() -> list[Storage]:
    """Uploaded tables, as one file per partition."""
    return [STORAGE]
