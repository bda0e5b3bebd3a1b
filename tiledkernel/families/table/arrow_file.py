"""Tables as an Arrow IPC file whose columns stay where they are in memory."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pyarrow

from tiledkernel.encoding import Parts


def arrow_file(schema: pyarrow.Schema, tables: Iterable[pyarrow.Table]) -> Parts:
    """The file: what Arrow writes, by reference where it writes from the memory of a column."""
    pieces = _Pieces()
    with pyarrow.ipc.new_file(pyarrow.PythonFile(pieces, mode="w"), schema) as writer:
        for table in tables:
            writer.write_table(table if table.schema.equals(schema) else table.cast(schema))
    return Parts(tuple(pieces.written))


class _Pieces(io.RawIOBase):
    """A file, as Arrow uses it, that keeps what is written; a buffer of Arrow is kept alive, not copied."""

    def __init__(self) -> None:
        self.written: list[memoryview] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = memoryview(data)
        self.written.append(piece)
        self._position += piece.nbytes
        return piece.nbytes

    def tell(self) -> int:
        return self._position
