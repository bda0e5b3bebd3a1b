"""Where a container's children are."""

from __future__ import annotations


def links(path: str, structure: object) -> dict[str, str]:
    """Paths below the API's base. There is no deep search of what is not indexed."""
    del structure
    return {"search": f"/search/{path}", "full": f"/container/full/{path}"}
