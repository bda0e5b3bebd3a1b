"""Names of tables and columns in a database: those that users choose, checked, and those that are ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from tiled_sql_tables.columns import AtRest
from tiled_sql_tables.databases import Database
from tiledkernel.errors import Unprocessable
from tiledkernel.families.table.fitting import misfit

DATASET, PARTITION, ROW = OWN = ("_dataset_id", "_partition_id", "_row")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = ("sqlite_", "pg_", "duckdb_", "tiled_")


def layout_of(schema: pa.Schema, database: Database) -> dict[str, AtRest]:
    """How the columns of a table rest; Unprocessable names one that cannot."""
    found: dict[str, AtRest] = {}
    for field in schema:
        _check_column(field.name, database, found)
        column = database.at_rest(field.type)
        if column is None:
            raise misfit(
                f"{database.kind} cannot hold the column {field.name!r} of type {field.type}: choose another type, or "
                "another mimetype, such as 'application/x-parquet'",
                field.name,
            )
        found[field.name] = column
    return found


def _check_column(name: str, database: Database, others: Mapping[str, Any]) -> None:
    if not name or "\0" in name or len(name.encode()) > database.longest_name:
        raise misfit(
            f"{name[:80]!r} cannot be a column of a table in {database.kind}: names have 1 to "
            f"{database.longest_name} bytes",
            name,
        )
    if name.lower() in OWN:
        raise misfit(f"the column {name!r} has a name that the server uses itself: choose another one", name)
    if same := next((other for other in others if other.lower() == name.lower()), None):
        raise misfit(f"the columns {same!r} and {name!r} differ in case only, which databases do not tell apart", name)


def described(layout: Mapping[str, AtRest]) -> str:
    """A text that two layouts have in common if data sets of both can lie in one table."""
    return json.dumps([[name, column.sql] for name, column in layout.items()])


def table_name(wanted: Any, layout: Mapping[str, AtRest]) -> str:
    """The name of the table for data of a layout: the one that a user wants, or one that follows from the layout."""
    if wanted is None:
        return f"table_{blake2b(described(layout).encode(), digest_size=16).hexdigest()}"
    name = wanted.lower() if isinstance(wanted, str) else ""
    if not _NAME.fullmatch(name) or name.startswith(_RESERVED):
        raise Unprocessable(
            f"{wanted!r:.80} cannot be the name of a table: expected a letter, then at most 62 letters, digits or "
            f"underscores, and none of {', '.join(_RESERVED)} at the beginning",
            "body", "data_sources", "parameters", "table_name", value=wanted,
        )  # fmt: skip
    return name
