"""Whether rows fit a table: its columns by name, and what they hold, whichever way that lies in memory."""

from __future__ import annotations

from typing import Any

import pyarrow

from tiledkernel.errors import Unprocessable
from tiledkernel.families.table.pandas_notes import index_ranges, is_unnamed_index
from tiledkernel.families.table.schemas import repeated_name, storage_type

chunked: Any = pyarrow.chunked_array  # the stubs know no type that is only known at run time
_SHOWN = 12  # columns that a message lists


def fitted(table: pyarrow.Table, wanted: pyarrow.Schema) -> pyarrow.Table:
    """The rows with the columns of a table, in its order and its types; Unprocessable says what does not fit."""
    check_fits(table.schema, wanted)
    return pyarrow.Table.from_arrays([_column(table, field) for field in wanted], schema=wanted)


def check_fits(found: pyarrow.Schema, wanted: pyarrow.Schema) -> None:
    """Unprocessable unless rows with the columns `found` can become rows of a table with the columns `wanted`.

    Their order does not matter, and an unnamed index, which pandas sends along, need not be in the table.
    """
    if repeated := repeated_name(found):
        raise misfit(f"there are several columns named {repeated!r}: each must have a name of its own", repeated)
    known = frozenset(wanted.names)
    for name in found.names:
        if name not in known and not is_unnamed_index(name):
            raise misfit(f"there is no column {name!r} in this table, which has {_listed(wanted)}", name)
    ranges = index_ranges(found)
    present = frozenset(found.names)
    for field in wanted:
        if field.name in present:
            _check_type(found.field(field.name), field)
        elif field.name not in ranges:
            raise misfit(
                f"the column {field.name!r} of type {field.type} is missing: expected {_listed(wanted)}; found "
                f"{_listed(found)}",
                field.name,
            )


def _check_type(found: pyarrow.Field[Any], wanted: pyarrow.Field[Any]) -> None:
    if pyarrow.types.is_null(found.type) and wanted.nullable:
        return
    if _values(found.type) != _values(wanted.type):
        raise misfit(
            f"the column {wanted.name!r} is of type {found.type}, expected {wanted.type}: convert it before it is sent",
            wanted.name,
        )


def _column(table: pyarrow.Table, field: pyarrow.Field[Any]) -> Any:
    place = table.schema.get_field_index(field.name)
    try:
        column = _counted(table, field) if place < 0 else recast(table.column(place), field.type)
    except pyarrow.ArrowException as error:
        raise misfit(f"the column {field.name!r} does not fit the type {field.type}: {error}", field.name) from error
    if column.null_count and not field.nullable:
        raise misfit(
            f"the column {field.name!r} lacks {column.null_count} values, and in this table none may be missing",
            field.name,
        )
    return column


def _counted(table: pyarrow.Table, field: pyarrow.Field[Any]) -> Any:
    """An index that was only noted, as a column."""
    numbers = index_ranges(table.schema)[field.name]
    if len(numbers) != table.num_rows:
        raise misfit(
            f"the index {field.name!r} is said to be {numbers!r}, but there are {table.num_rows} rows", field.name
        )
    return chunked([pyarrow.array(numbers, field.type)], field.type)


def recast(column: Any, kind: Any) -> Any:
    """The same values in another type that can hold them; ArrowInvalid if it cannot."""
    if column.type.equals(kind):
        return column
    if pyarrow.types.is_null(column.type):
        return chunked([pyarrow.nulls(len(column), kind)], kind)
    if not pyarrow.types.is_dictionary(kind):
        return column.cast(kind)
    if pyarrow.types.is_dictionary(column.type):
        column = column.unify_dictionaries()  # or else each chunk has entries of its own, which may be too many
    else:
        column = column.cast(kind.value_type).dictionary_encode()
    arrays: list[Any] = [
        pyarrow.DictionaryArray.from_arrays(
            chunk.indices.cast(kind.index_type), chunk.dictionary.cast(kind.value_type), ordered=kind.ordered
        )
        for chunk in column.chunks
    ]
    return chunked(arrays, kind)


def _values(kind: Any) -> Any:
    """What a column holds, however it lies in memory: plain, or by reference to a dictionary; comparable."""
    kind = storage_type(kind)
    return _layout_free(kind.value_type if pyarrow.types.is_dictionary(kind) else kind)


def _layout_free(kind: Any) -> Any:
    """A type without how wide its offsets are; comparable."""
    types = pyarrow.types
    kind = storage_type(kind)
    if types.is_list(kind) or types.is_large_list(kind):
        return "list", _layout_free(kind.value_type)
    if types.is_fixed_size_list(kind):
        return "list", kind.list_size, _layout_free(kind.value_type)
    if types.is_map(kind):
        return "map", _layout_free(kind.key_type), _layout_free(kind.item_type)
    if types.is_struct(kind):
        return "struct", *((field.name, _layout_free(field.type)) for field in kind)
    return _NARROWER.get(kind, kind)


_NARROWER: dict[Any, Any] = {pyarrow.large_string(): pyarrow.string(), pyarrow.large_binary(): pyarrow.binary()}


def _listed(schema: pyarrow.Schema) -> str:
    names = ", ".join(repr(name) for name in schema.names[:_SHOWN])
    more = len(schema.names) - _SHOWN
    return f"{names} and {more} more" if more > 0 else names or "no columns"


def misfit(message: str, column: str) -> Unprocessable:
    """The error for data that do not fit a column."""
    return Unprocessable(message, "body", column, value=column)
