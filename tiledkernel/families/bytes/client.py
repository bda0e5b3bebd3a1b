"""The client of opaque bytes."""

from __future__ import annotations

from typing import ClassVar

from tiledkernel.client.data_sources import parse_data_source
from tiledkernel.client.node import Node
from tiledkernel.families.bytes.structure import BytesStructure

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


class BytesClient(Node):
    """Files whose content the server does not look into: `raw_export` downloads them."""

    structure_type: ClassVar = BytesStructure

    def __repr__(self) -> str:
        raw = self._attributes.get("data_sources")
        if not raw:
            return super().__repr__()
        assets = [asset for source in raw for asset in parse_data_source(source).assets]
        count = f"{len(assets)} asset{'' if len(assets) == 1 else 's'}"
        sizes = [asset.size for asset in assets if asset.size is not None]
        if not assets or len(sizes) < len(assets):
            return f"<{type(self).__name__} {count}>"
        return f"<{type(self).__name__} {format_size(sum(sizes))} across {count}>"


def format_size(size: float) -> str:
    """A number of bytes for people to read."""
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:.1f} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1000
    return f"{size:.1f} {_UNITS[-1]}"
