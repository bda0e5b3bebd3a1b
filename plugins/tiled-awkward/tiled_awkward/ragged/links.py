"""Where a ragged array's data are."""

from __future__ import annotations


def links(path: str, structure: object) -> dict[str, str]:
    """Paths below the API's base; blocks divide the first axis only."""
    del structure
    return {"full": f"/ragged/full/{path}", "block": f"/ragged/block/{path}?block={{0}}"}
