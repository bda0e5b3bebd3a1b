"""A catalog that keeps everything in one folder: its database, uploaded data, and tables that grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from tiledkernel.composition import Composition
from tiledkernel.nodes.storing import Location, parse_location

DATABASE, DATA, TABLES = "catalog.db", "data", "storage.duckdb"
_KIND_OF_TABLES = "duckdb"


def catalog_in(folder: Path, composition: Composition) -> dict[str, Any]:
    """The section `catalog` of a configuration; the folder for uploaded data is made."""
    data = folder / DATA
    data.mkdir(parents=True, exist_ok=True)
    tables = table_storage(folder, composition)
    return {
        "uri": str(folder / DATABASE),
        "init_if_not_exists": True,
        "writable_storage": [str(data), *([tables.uri] if tables else [])],
    }


def table_storage(folder: Path, composition: Composition) -> Location | None:
    """The place in a folder for tables that grow; None if no plugin keeps anything in such a place."""
    if not any(_KIND_OF_TABLES in storage.schemes for storage in composition.storages.values()):
        return None
    return parse_location(f"{_KIND_OF_TABLES}:///{quote(str(folder / TABLES))}")
