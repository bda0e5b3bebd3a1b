"""What a container says of itself: how many children, and perhaps all of them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

FAMILY = "container"


class ContainerStructure(Struct, frozen=True, kw_only=True):
    """Number of children; `contents` maps each key to the child's whole description, or is None."""

    contents: dict[str, Any] | None
    count: int
