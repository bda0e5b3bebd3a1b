"""Files as nodes of a catalog: opened once, by their reader, to see what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, structs

from tiledkernel import wire
from tiledkernel.client.creating import describe_specs
from tiledkernel.client.json_values import as_json
from tiledkernel.media_types import CSV
from tiledkernel.nodes.files import FileEntry
from tiledkernel.nodes.protocols import Asset
from tiledkernel.nodes.site_readers import MANY
from tiledkernel.nodes.walk import Item

CONTAINER = "container"


class Described(Struct, frozen=True):
    """A node as a server is asked to make it; without a source it is a container."""

    key: str
    family: str = CONTAINER
    metadata: Mapping[str, Any] = {}
    specs: tuple[Mapping[str, Any], ...] = ()
    source: Mapping[str, Any] | None = None

    def draft(self) -> dict[str, Any]:
        """What to send."""
        return {
            "id": self.key,
            "structure_family": self.family,
            "metadata": self.metadata,
            "specs": self.specs,
            "access_tags": None,
            "data_sources": [] if self.source is None else [self.source],
        }

    def with_metadata_of(self, family: str, metadata: Mapping[str, Any]) -> Described:
        """The same, with what somebody may have said of an earlier node of these files, if it was of this family."""
        return self if family != self.family else structs.replace(self, metadata={**metadata, **self.metadata})


def describe(entry: FileEntry, item: Item, parameters: Mapping[str, Any] | None = None) -> Described:
    """A file, or several that become one node, as they are now; it raises what opening them raises.

    Its library may be one that wants one call at a time: nothing of it is touched after this has returned.
    """
    with entry.guard:
        node = entry.open()
        family = str(node.family)
        structure = {"keys": list(node.keys())} if family == CONTAINER else node.structure
        metadata = as_json(node.metadata)
        specs = tuple(describe_specs(node.specs))
        del node  # closes the file while nobody else is in the library
    return Described(
        key=item.key,
        family=family,
        metadata=metadata,
        specs=specs,
        source={
            "structure_family": family,
            "structure": wire.decode_json(wire.encode_json(structure)),
            "mimetype": media_type_of(item),
            "parameters": as_json(parameters or {}, "parameters"),
            "properties": {},
            "assets": [msgspec.to_builtins(asset) for asset in assets_of(entry, item, family)],
            "management": "external",
        },
    )


def media_type_of(item: Item) -> str:
    """The media type of one file, or of several.

    Readers of images, and of tables as text, are asked by a type of their own for several; those of formats that are
    often spread over files by the same.
    """
    assert item.claim is not None
    stacked = item.claim.reader.numbered or item.media_type == CSV
    return f"{MANY}{item.media_type}" if item.sequence and stacked else item.media_type


def assets_of(entry: FileEntry, item: Item, family: str) -> list[Asset]:
    """The files, as readers everywhere expect them: those of tables are a list even if there is only one."""
    listed = item.sequence or (family == "table" and entry.claim.takes_many)
    return [
        structs.replace(asset, id=None, parameter="data_uris" if listed else "data_uri", num=number if listed else None)
        for number, asset in enumerate(entry.assets())
    ]
