"""Serve CSV files as tables, and headerless ones as arrays."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl

READER = Reader(
    media_type="text/csv",
    suffixes=(".csv", ".tsv"),
    open="tiled_csv.reader:open_csv",
    open_many="tiled_csv.reader:open_csv_many",
)
ARRAY_READER = Reader(media_type="text/csv;header=absent", open="tiled_csv.reader:open_csv_array")


@hookimpl
def register_readers() -> list[Reader]:
    """One reader for tables, and one, chosen by media type only, for bare numbers."""
    return [READER, ARRAY_READER]
