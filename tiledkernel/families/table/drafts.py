"""Tables that are to be made: whether what their writer says about them makes sense."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
import pyarrow

from tiledkernel.errors import Unprocessable
from tiledkernel.families.table.describe import index_columns
from tiledkernel.families.table.fitting import misfit
from tiledkernel.families.table.pandas_notes import index_notes
from tiledkernel.families.table.schemas import repeated_name, storage_type
from tiledkernel.families.table.structure import SCHEMA_PREFIX, TableStructure
from tiledkernel.nodes.protocols import DataSource

MAX_PARTITIONS = 10_000
MAX_COLUMNS = 10_000
_DEEPEST = 16  # lists in lists
_WIDE = 32  # bits
_WHERE = ("body", "data_sources", "structure")


def structure_of(source: DataSource) -> TableStructure:
    """The structure in a data source, which may have come as JSON; Unprocessable if it is none of a table."""
    try:
        return msgspec.convert(source.structure, TableStructure)
    except msgspec.ValidationError as error:
        raise Unprocessable(f"the structure is none of a table: {error}", *_WHERE) from None


def drafted_schema(structure: TableStructure) -> pyarrow.Schema:
    """The schema of a table that is to be made; Unprocessable names what is wrong with it, or with its columns."""
    if not 1 <= structure.npartitions <= MAX_PARTITIONS:
        raise Unprocessable(
            f"a table has 1 to {MAX_PARTITIONS} partitions, not {structure.npartitions}",
            *_WHERE, "npartitions", value=structure.npartitions,
        )  # fmt: skip
    schema = decode_schema(structure)
    if not schema.names:
        raise Unprocessable("a table has at least one column, this schema has none", *_WHERE, "arrow_schema")
    if len(schema) > MAX_COLUMNS:
        raise Unprocessable(
            f"{len(schema)} columns are too many, at most {MAX_COLUMNS} are kept: write an array, or several tables",
            *_WHERE, "arrow_schema",
        )  # fmt: skip
    if repeated := repeated_name(schema):
        raise misfit(f"there are several columns named {repeated!r}: each must have a name of its own", repeated)
    index_notes(schema)  # those who read it rely on them
    index = index_columns(schema)
    named = [name for name in schema.names if name not in index]
    if list(structure.columns) != named:
        raise Unprocessable(
            f"'columns' must be those of the schema but for an index: expected {named!r:.300}, found "
            f"{list(structure.columns)!r:.300}",
            *_WHERE, "columns",
        )  # fmt: skip
    for field in schema:
        _check_type(field.name, field.type)
    return schema


def decode_schema(structure: TableStructure) -> pyarrow.Schema:
    """The Arrow schema in a structure; Unprocessable if there is none."""
    encoded = structure.arrow_schema
    if not encoded.startswith(SCHEMA_PREFIX):
        raise Unprocessable(
            f"'arrow_schema' must begin with {SCHEMA_PREFIX!r}, then have what pyarrow.Schema.serialize() gives, in "
            "base64",
            *_WHERE, "arrow_schema", value=encoded[:80],
        )  # fmt: skip
    try:
        message = base64.b64decode(encoded.removeprefix(SCHEMA_PREFIX), validate=True)
        return pyarrow.ipc.read_schema(pyarrow.py_buffer(message))
    except (binascii.Error, pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        raise Unprocessable(f"'arrow_schema' is no Arrow schema: {error}", *_WHERE, "arrow_schema") from None


def growing(schema: pyarrow.Schema) -> pyarrow.Schema:
    """The schema with room for any number of categories: those of the first rows may be few."""
    for place, field in enumerate(schema):
        if pyarrow.types.is_dictionary(field.type) and field.type.index_type.bit_width < _WIDE:
            wide = pyarrow.dictionary(pyarrow.int32(), field.type.value_type, field.type.ordered)
            schema = schema.set(place, field.with_type(wide))
    return schema


def _check_type(name: str, kind: Any, depth: int = 0) -> None:
    """Unprocessable for types that only say how values lie in the memory of one program, or that hide many values."""
    kind = storage_type(kind)
    types = pyarrow.types
    if types.is_dictionary(kind):
        if depth or types.is_nested(kind.value_type) or types.is_dictionary(kind.value_type):
            raise misfit(f"the column {name!r} of type {kind} cannot be kept: dictionaries are of plain values", name)
        kind = kind.value_type
    if types.is_nested(kind):
        if not _has_plain_layout(kind) or depth == _DEEPEST:
            raise misfit(f"the column {name!r} of type {kind!s:.200} cannot be kept: write lists or structs", name)
        for number in range(kind.num_fields):
            _check_type(name, kind.field(number).type, depth + 1)
    elif not any(is_kind(kind) for is_kind in _PLAIN):
        hint = "cast it to string or binary" if str(kind).endswith("_view") else "write another type"
        raise misfit(f"the column {name!r} of type {kind} cannot be kept: {hint}", name)


def _has_plain_layout(kind: Any) -> bool:
    types = pyarrow.types
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(lists or types.is_map(kind) or (types.is_struct(kind) and kind.num_fields))


_PLAIN: tuple[Any, ...] = (
    pyarrow.types.is_null,
    pyarrow.types.is_boolean,
    pyarrow.types.is_integer,
    pyarrow.types.is_floating,
    pyarrow.types.is_decimal,
    pyarrow.types.is_string,
    pyarrow.types.is_large_string,
    pyarrow.types.is_binary,
    pyarrow.types.is_large_binary,
    lambda kind: pyarrow.types.is_fixed_size_binary(kind) and kind.byte_width > 0,
    pyarrow.types.is_date,
    pyarrow.types.is_time,
    pyarrow.types.is_timestamp,
    pyarrow.types.is_duration,
)
