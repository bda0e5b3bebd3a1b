"""Where a table's data are."""

from __future__ import annotations

from tiledkernel.families.table.structure import TableStructure


def links(path: str, structure: TableStructure) -> dict[str, str]:
    """Path templates below the API's base."""
    del structure
    return {"full": f"/table/full/{path}", "partition": f"/table/partition/{path}?partition={{index}}"}
