"""Serve CSV files as tables, and headerless ones as arrays."""

from __future__ import annotations

from tiledkernel import Reader, Storage, hookimpl

_OPTIONS = "tiled_csv.options:CsvOptions"
READER = Reader(
    media_type="text/csv",
    suffixes=(".csv", ".tsv"),
    open="tiled_csv.reader:open_csv",
    open_many="tiled_csv.reader:open_csv_many",
    parameters=_OPTIONS,
)
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
    """One reader for tables, and one, chosen by media type only, for bare numbers."""
    return [READER, ARRAY_READER]


@hookimpl
def register_storages() -> list[Storage]:
    """Uploaded tables, as one file per partition."""
    return [STORAGE]
