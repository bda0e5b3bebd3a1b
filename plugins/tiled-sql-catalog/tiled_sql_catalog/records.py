"""Rows of the catalog as Python sees them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct

from tiled_sql_catalog.schema import nodes
from tiledkernel import wire
from tiledkernel.specs import Spec

_specs = msgspec.json.Decoder(tuple[Spec, ...])
_tags = msgspec.json.Decoder(frozenset[str])

COLUMNS = tuple(
    nodes.c[name]
    for name in (
        "id", "parent", "key", "path", "family", "metadata", "specs", "access_tags", "children", "version", "created",
        "updated", "token", "sources",
    )
)  # fmt: skip


class Node(Struct, frozen=True, dict=True):
    """A node as it was when it was read; what is JSON is decoded when it is first asked for.

    `sources` counts its data sources: a container that has some is what a registered file holds.
    """

    id: int
    parent: int | None
    key: str
    path: bytes
    family: str
    metadata_text: str
    specs_text: str
    tags_text: str | None
    children: int
    version: int
    created: int
    updated: int
    token: str | None = None
    sources: int = 0

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What the owner says about the data."""
        found: dict[str, Any] = wire.decode_json(self.metadata_text)
        return found

    @property
    def specs(self) -> tuple[Spec, ...]:
        """Promises beyond the structure."""
        return () if self.specs_text == "[]" else _specs.decode(self.specs_text)

    @property
    def access_tags(self) -> frozenset[str] | None:
        """What an access policy goes by; None if nobody said."""
        return None if self.tags_text is None else _tags.decode(self.tags_text)
