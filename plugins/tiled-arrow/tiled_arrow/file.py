"""Arrow files: a footer lists their record batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tiled_arrow.packing import packed
from tiled_arrow.values import checked
from tiled_arrow.views import convert_views, without_views
from tiledkernel.families.table.arrow_messages import MAGIC, batches_of_file, bytes_at, sizes_in_memory
from tiledkernel.families.table.parts import gather


class ArrowFile:
    """An open file; its pieces are ranges of record batches. Of a batch, only the wanted columns are read from disk."""

    def __init__(self, source: pa.NativeFile) -> None:
        if bytes_at(source, max(0, source.size() - len(MAGIC)), len(MAGIC)) != MAGIC:
            raise pa.ArrowInvalid("its end, where it lists what is in it, is missing")
        self._source = source
        reader: Any = pa.ipc.open_file(source)
        self.schema = without_views(reader.schema)
        self.noted: Mapping[bytes, bytes] = {**(reader.metadata or {}), **(self.schema.metadata or {})}

    def divide(self, limit: int) -> list[range]:
        """Neighbouring record batches, as many as fit into `limit` bytes of memory."""
        return list(gather(sizes_in_memory(self._source, batches_of_file(self._source)), limit))

    def read(self, pieces: range | None, fields: list[int]) -> pa.Table:
        """The columns with these numbers (none: all) of some batches (None: of all)."""
        reader = pa.ipc.open_file(self._source, options=pa.ipc.IpcReadOptions(included_fields=fields))
        numbers = range(reader.num_record_batches) if pieces is None else pieces
        table = pa.Table.from_batches([reader.get_batch(number) for number in numbers], reader.schema)
        return packed(convert_views(checked(table)))
