"""Where an array's data are."""

from __future__ import annotations

from tiledkernel.families.array.structure import ArrayStructure


def links(path: str, structure: ArrayStructure) -> dict[str, str]:
    """Path templates below the API's base: one numbered placeholder per dimension for blocks."""
    places = ",".join(f"{{{axis}}}" for axis in range(len(structure.shape)))
    return {"full": f"/array/full/{path}", "block": f"/array/block/{path}?block={places}"}
