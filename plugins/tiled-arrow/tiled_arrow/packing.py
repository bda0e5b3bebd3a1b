"""Small record batches, put together: to describe and send a batch costs the same, be it small or large."""

from __future__ import annotations

import pyarrow as pa

from tiledkernel.families.table.dictionaries import holds_dictionary

_SMALL = 64 << 10  # bytes


def packed(table: pa.Table) -> pa.Table:
    """The table, copied into few chunks if it has many small ones, as programs leave them that save row by row."""
    chunks = max((column.num_chunks for column in table.columns), default=0)
    if chunks <= 1 or any(map(holds_dictionary, table.schema.types)):
        return table
    typical = table.slice(0, table.num_rows // chunks)  # to measure the whole takes longer than to copy it
    if typical.get_total_buffer_size() >= _SMALL:
        return table
    try:
        return table.combine_chunks()
    except pa.ArrowNotImplementedError:  # some types cannot be put together; they can be sent as they are
        return table
