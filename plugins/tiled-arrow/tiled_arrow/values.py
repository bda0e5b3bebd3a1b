"""Whether what was read holds together."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pyarrow import compute

from tiled_arrow.views import checked_views, is_view
from tiledkernel.families.table.dictionaries import addresses


def checked(table: pa.Table) -> pa.Table:
    """The table; ArrowInvalid for values that point outside their column, which would end the process later.

    Numbers cost nothing here, texts about as much as reading them; a dictionary is looked at once for all its chunks.
    """
    known: set[Any] = set()
    for position, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        chunks: list[Any] = column.chunks
        if is_view(column.type):
            whole = pa.chunked_array([checked_views(chunk) for chunk in chunks], column.type)
            table = table.set_column(position, table.schema.field(position), whole)
            continue
        if not pa.types.is_dictionary(column.type):
            column.validate(full=True)
            continue
        for chunk in chunks:
            chunk.validate()
            if (place := addresses(chunk.dictionary)) not in known:
                chunk.dictionary.validate(full=True)
                known.add(place)
            _check_indices(chunk, name)
    return table


def _check_indices(chunk: Any, name: str) -> None:
    chunk.indices.validate(full=True)
    bounds = compute.min_max(chunk.indices)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if low is not None and not 0 <= low <= high < len(chunk.dictionary):
        raise pa.ArrowInvalid(
            f"the column {name!r} refers to entries {low} to {high} of a dictionary that has {len(chunk.dictionary)}"
        )
