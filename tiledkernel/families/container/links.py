"""Where a container's children are."""

from __future__ import annotations


def links(path: str, structure: object) -> dict[str, str]:
    """Paths below the API's base."""
    del structure
    return {
        "search": f"/search/{path}",
        "search_deep": f"/search-deep/{path}",
        "full": f"/container/full/{path}",
    }
