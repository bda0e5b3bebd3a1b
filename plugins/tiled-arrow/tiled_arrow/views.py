"""Views of texts and of bytes, as Polars writes them, made fit for what pyarrow can do with them.

Dictionaries of views, which pyarrow can hold but neither decode nor encode, become dictionaries of plain texts or
bytes. Only the dictionary is converted; what refers to it stays in place. And missing views are made to lead nowhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tiledkernel.families.table.dictionaries import addresses


def is_view(kind: Any) -> bool:
    """Whether values of this type are views."""
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def checked_views(values: Any) -> Any:
    """An array of views, of which the missing ones are empty; ArrowInvalid if others point outside of it.

    In the place of a missing value may be anything. pyarrow does not look at that when it validates, but does when it
    converts.
    """
    values.validate()
    places, *texts = values.buffers()[1:]
    bare: Any = pa.Array.from_buffers(values.type, len(values), [None, places, *texts], offset=values.offset)
    try:
        bare.validate(full=True)
    except pa.ArrowInvalid:
        views = np.frombuffer(places, "V16")[values.offset : values.offset + len(values)].copy()
        views[values.is_null().to_numpy(zero_copy_only=False)] = np.zeros((), "V16")
        bitmap = values.is_valid().buffers()[1]
        values = pa.Array.from_buffers(values.type, len(values), [bitmap, pa.py_buffer(views.data), *texts])
        values.validate(full=True)
    return values


def without_views(schema: pa.Schema) -> pa.Schema:
    """The schema that a table has after `convert_views`."""
    for position, field in enumerate(schema):
        if (kind := _plain(field.type)) is not None:
            schema = schema.set(position, field.with_type(kind))
    return schema


def convert_views(table: pa.Table) -> pa.Table:
    """The table with plain dictionaries, each converted once for all chunks that share it."""
    made: dict[Any, Any] = {}
    for position, field in enumerate(table.schema):
        if (kind := _plain(field.type)) is None:
            continue
        chunks: list[Any] = []
        for chunk in _chunks(table, position):
            place = addresses(chunk.dictionary)
            if place not in made:
                made[place] = checked_views(chunk.dictionary).cast(kind.value_type)
            chunks.append(pa.DictionaryArray.from_arrays(chunk.indices, made[place], ordered=kind.ordered, safe=False))
        table = table.set_column(position, field.with_type(kind), pa.chunked_array(chunks, kind))
    return table


def _chunks(table: pa.Table, position: int) -> list[Any]:
    return table.column(position).chunks


def _plain(kind: Any) -> Any:
    """The type that a dictionary of views is converted to; None for other types."""
    if not pa.types.is_dictionary(kind) or not is_view(kind.value_type):
        return None
    plain: Any = pa.string() if pa.types.is_string_view(kind.value_type) else pa.binary()
    return pa.dictionary(kind.index_type, plain, kind.ordered)
