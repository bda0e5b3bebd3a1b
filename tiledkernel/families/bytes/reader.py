"""Files that nobody reads into: their bytes are handed out as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tiledkernel.families.bytes.structure import FAMILY, BytesStructure
from tiledkernel.specs import Spec


class OpaqueBytes:
    """A node of unknown content; its file is its only asset."""

    family: ClassVar[str] = FAMILY

    def __init__(self, metadata: Mapping[str, Any] | None = None, specs: Sequence[Spec] = ()) -> None:
        self.structure = BytesStructure()
        self.metadata: Mapping[str, Any] = {} if metadata is None else metadata
        self.specs = tuple(specs)


def open_bytes(path: Path) -> OpaqueBytes:
    """A node for the file; it is not looked into."""
    del path
    return OpaqueBytes()
