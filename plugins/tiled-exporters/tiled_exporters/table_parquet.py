"""Tables as Parquet files, with the index and what pandas noted, sent row group by row group while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyarrow import parquet

from tiled_exporters.outlet import Outlet
from tiledkernel.encoding import Encoding
from tiledkernel.families.table.payload import TablePayload

GROUP = 32 << 20  # bytes of a row group, about


def encode(payload: TablePayload, context: Encoding) -> Iterator[bytes]:
    """A Parquet file; NotAcceptable says which type it does not have."""
    del context
    outlet: Any = Outlet()  # a file, of which the library needs `write` and `tell`
    with parquet.ParquetWriter(outlet, payload.schema) as writer:
        for table in payload.tables():
            same = table if table.schema.equals(payload.schema) else table.cast(payload.schema)
            step = max(1, GROUP * same.num_rows // max(1, same.nbytes))
            for start in range(0, same.num_rows, step):
                writer.write_table(same.slice(start, step), row_group_size=step)
                yield from outlet.take()
    yield from outlet.take()
