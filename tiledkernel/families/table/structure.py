"""Columns and partitions of a table, as http-api 3.3 has them on the wire."""

from __future__ import annotations

from msgspec import Struct

FAMILY = "table"
SCHEMA_PREFIX = "data:application/vnd.apache.arrow.file;base64,"


class TableStructure(Struct, frozen=True, kw_only=True):
    """A table without its data.

    `arrow_schema` is SCHEMA_PREFIX and the base64 of the Arrow schema message; it may hold index columns,
    which `columns` leaves out. Rows are divided into `npartitions`.
    """

    arrow_schema: str
    npartitions: int
    columns: tuple[str, ...]
    resizable: bool = False
