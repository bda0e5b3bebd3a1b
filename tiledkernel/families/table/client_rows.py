"""Rows that a user gives to be stored: a DataFrame, columns, or what Arrow understands, as the bytes that travel."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa

from tiledkernel.families.table.describe import as_arrow, describe_table
from tiledkernel.families.table.structure import SCHEMA_PREFIX, TableStructure

_ONE_PARTITION = 100_000_000  # bytes; what is larger is divided, so that no request is larger
_VIEWS = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}


def as_rows(data: Any) -> pa.Table:
    """The rows of a DataFrame, of a dictionary of columns, or of what hands over columns as Arrow has them.

    TypeError or ValueError says why something holds none that can be stored.
    """
    if isinstance(data, Mapping):
        _check_columns(data)
    elif not hasattr(data, "columns") and not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(
            f"{data!r:.80}, a {type(data).__name__}, is no table: expected a DataFrame, a dictionary of columns such "
            "as {'x': [1, 2]}, or a table of pyarrow"
        )
    try:
        table = pa.Table.from_pandas(data) if hasattr(data, "index") else as_arrow(data)  # with a note of its range
    except pa.ArrowException as error:
        raise ValueError(f"this table cannot be stored: {_first_line(error)}") from error
    return table.cast(_storable(table.schema))


def rows_like(data: Any, structure: TableStructure) -> pa.Table:
    """Rows for a table that there is: numbers and dates are converted to its types, if nothing is lost by that."""
    wanted = schema_of(structure)
    if isinstance(data, Mapping):
        data = {name: _typed(values, _type_of(wanted, name)) for name, values in data.items()}
    table = as_rows(data)
    for place, field in enumerate(table.schema):
        kind = _type_of(wanted, field.name)
        if kind is not None and _converts(field.type, kind):
            try:
                table = table.set_column(place, field.with_type(kind), table.column(place).cast(kind))
            except pa.ArrowException:  # the server says what it would take
                continue
    return table


def describe_rows(table: pa.Table) -> TableStructure:
    """What a new table with these rows looks like: divided, if they are many."""
    return _described(table.schema, max(1, -(-table.nbytes // _ONE_PARTITION)))


def describe_schema(schema: pa.Schema, npartitions: int) -> TableStructure:
    """What a new table looks like to which rows are to be added."""
    if not isinstance(schema, pa.Schema):
        raise TypeError(f"the columns are described by a pyarrow.Schema, not {schema!r:.80}, a {type(schema).__name__}")
    return _described(_growing(_storable(schema)), npartitions)


def describe_lazy(frame: Any) -> TableStructure:
    """What a new table looks like that has the partitions of a DataFrame of dask; its index is a column of it."""
    example = frame._meta_nonempty  # noqa: SLF001 - the only place where dask shows what texts look like
    schema = pa.Table.from_pandas(example, preserve_index=True).schema
    return _described(_growing(_storable(schema)), frame.npartitions)


def _described(schema: pa.Schema, npartitions: int) -> TableStructure:
    structure = describe_table(schema, npartitions)
    if reserved := next((name for name in structure.columns if name.startswith("_")), None):
        raise ValueError(f"the column {reserved!r} cannot be stored: names that begin with '_' are the server's own")
    return structure


def with_index(frame: Any) -> pa.Table:
    """The rows of a partition of dask, its index as a column even if it only counts them."""
    return as_arrow(frame, keep_index=True)


def divided(table: pa.Table, count: int) -> list[pa.Table]:
    """The rows in so many neighbouring groups of about the same size."""
    bounds = [table.num_rows * number // count for number in range(count + 1)]
    return [table.slice(start, stop - start) for start, stop in pairwise(bounds)]


def encode_rows(table: pa.Table) -> pa.Buffer:
    """An Arrow file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(_with_one_dictionary(table))
    return sink.getvalue()


def schema_of(structure: TableStructure) -> pa.Schema:
    """The schema in the description of a table."""
    encoded = structure.arrow_schema.removeprefix(SCHEMA_PREFIX)
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded)))


def _check_columns(columns: Mapping[Any, Any]) -> None:
    for name, values in columns.items():
        if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
            raise TypeError(f"the column {name!r} is {values!r:.80}: expected a list or an array of what its rows hold")
        if getattr(values, "ndim", 1) != 1:
            raise ValueError(f"the column {name!r} has the shape {values.shape}: expected one axis, the rows")
    lengths = {name: len(values) for name, values in columns.items() if hasattr(values, "__len__")}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name!r} has {length}" for name, length in list(lengths.items())[:8])
        raise ValueError(f"the columns of a table have the same length: {shown}")
    if unnamed := next((name for name in columns if not isinstance(name, str)), None):
        raise TypeError(f"{unnamed!r} cannot be the name of a column: expected a text")


def _storable(schema: pa.Schema) -> pa.Schema:
    """The schema without views, which are bound to the memory of one program."""
    for place, field in enumerate(schema):
        if field.type in _VIEWS:
            schema = schema.set(place, field.with_type(_VIEWS[field.type]))
    return schema


def _growing(schema: pa.Schema) -> pa.Schema:
    """The schema with room for more categories than the first rows have."""
    for place, field in enumerate(schema):
        if pa.types.is_dictionary(field.type):
            wide = pa.dictionary(pa.int32(), field.type.value_type, field.type.ordered)
            schema = schema.set(place, field.with_type(wide))
    return schema


def _typed(values: Any, kind: pa.DataType | None) -> Any:
    """A column of this type, if the values can be that; as they are otherwise."""
    if kind is None or hasattr(values, "dtype") or hasattr(values, "type") or _is_number(kind):
        return values  # they say what they are; and of numbers, Arrow would lose what is behind the point
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return values


def _type_of(schema: pa.Schema, name: Any) -> pa.DataType | None:
    return schema.field(name).type if name in schema.names else None


def _converts(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type are values of the other, but for their range: numbers, or dates."""
    return found != wanted and any(all(is_kind(kind) for kind in (found, wanted)) for is_kind in _KINDS)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


_KINDS: Sequence[Any] = (
    _is_number,
    pa.types.is_decimal,
    pa.types.is_timestamp,
    pa.types.is_duration,
    pa.types.is_date,
    pa.types.is_time,
)


def _with_one_dictionary(table: pa.Table) -> pa.Table:
    """The table with the same dictionary in all chunks of a column: an Arrow file has one for each."""
    if any(column.num_chunks > 1 and pa.types.is_dictionary(column.type) for column in table.columns):
        table = table.unify_dictionaries()
    return table


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
