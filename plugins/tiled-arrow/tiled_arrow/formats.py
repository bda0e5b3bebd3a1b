"""The two forms in which Arrow tables rest, told by how they begin: both go by the suffix '.arrow'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa

from tiled_arrow.file import ArrowFile
from tiled_arrow.stream import ArrowStream
from tiledkernel.errors import ReadFailed
from tiledkernel.families.table.arrow_messages import CONTINUATION, MAGIC, bytes_at

_FEATHER_1 = b"FEA1"


class Form(Protocol):
    """An open file, with its schema and what is noted in it."""

    schema: pa.Schema
    noted: Mapping[bytes, bytes]

    def divide(self, limit: int) -> list[Any]:
        """Its pieces: neighbouring record batches, as many as fit into `limit` bytes of memory."""

    def read(self, pieces: Any, fields: list[int]) -> pa.Table:
        """The columns with these numbers (none: all) of some pieces (None: of all that there is)."""


def arrow_in(source: pa.NativeFile, name: str) -> Form:
    """What an open file holds; ArrowInvalid, or ReadFailed that says what to do, if it is nothing that can be read."""
    head = bytes_at(source, 0, 8)
    if head.startswith(MAGIC):
        return ArrowFile(source)
    if head.startswith(CONTINUATION):
        return ArrowStream(source)
    if head.startswith(_FEATHER_1):
        raise ReadFailed(
            f"{name} is a Feather file of version 1, which was given up in favour of Arrow files (Feather version 2): "
            "convert it, with `pandas.read_feather(old).to_feather(new)`"
        )
    raise pa.ArrowInvalid(f"it begins with {head!r}, as no Arrow file does" if head else "it is empty")
