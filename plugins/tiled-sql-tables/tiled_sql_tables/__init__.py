"""Keep uploaded tables to which rows can be added, in DuckDB, SQLite or PostgreSQL."""

from __future__ import annotations

from tiledkernel import Storage, hookimpl

MEDIA_TYPE = "application/x-tiled-sql-table"

STORAGE = Storage(
    family="table",
    media_type=MEDIA_TYPE,
    schemes=("duckdb", "sqlite", "postgresql"),
    create="tiled_sql_tables.storage:create",
    open="tiled_sql_tables.storage:open_table",
    delete="tiled_sql_tables.storage:delete",
    close="tiled_sql_tables.storage:close",
    needs=("pyarrow",),
    rank=50,
)


@hookimpl
def register_storages() -> list[Storage]:
    """Tables in databases; many of them may share one there."""
    return [STORAGE]
