"""Dictionary columns: an Arrow file has one dictionary for each, however many chunks."""

from __future__ import annotations

from typing import Any

import pyarrow


def with_one_dictionary(table: pyarrow.Table) -> pyarrow.Table:
    """The table with the same dictionary in all chunks of a column; those that agree already are left as they are."""
    for position, column in enumerate(table.columns):
        if column.num_chunks > 1 and holds_dictionary(column.type) and not _agree(column):
            table = table.set_column(position, table.schema.field(position), column.unify_dictionaries())
    return table


def holds_dictionary(kind: Any) -> bool:
    """Whether a type is a dictionary, or has one inside."""
    if isinstance(kind, pyarrow.BaseExtensionType):
        return holds_dictionary(kind.storage_type)
    if pyarrow.types.is_dictionary(kind):
        return True
    return any(holds_dictionary(kind.field(number).type) for number in range(kind.num_fields))


def _agree(column: pyarrow.ChunkedArray[Any]) -> bool:
    """Whether the chunks have equal dictionaries; False also where that is not easily seen."""
    if not pyarrow.types.is_dictionary(column.type):
        return False
    chunks: list[Any] = column.chunks
    first, *others = (chunk.dictionary for chunk in chunks)
    place = addresses(first)
    return all(addresses(other) == place or other.equals(first) for other in others)


def addresses(values: pyarrow.Array[Any]) -> tuple[int | None, ...]:
    """Where an array lies in memory: two with the same addresses are one."""
    return (len(values), values.offset, *(None if buffer is None else buffer.address for buffer in values.buffers()))
