"""Length and form of an awkward array, as http-api 3.5 has them on the wire."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

FAMILY = "awkward"


class AwkwardStructure(Struct, frozen=True, kw_only=True):
    """An awkward array without its buffers; `form` is that of the awkward library, every node with a `form_key`."""

    length: int
    form: dict[str, Any]
