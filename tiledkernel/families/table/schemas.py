"""Schemas of tables in files: the order of their columns, and whether several files fit together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow

from tiledkernel.errors import ReadFailed
from tiledkernel.families.table.describe import index_columns

# Kept in files by libraries for themselves; not what an owner says about the data.
_TECHNICAL = frozenset({b"pandas", b"ARROW:schema"})


def owner_metadata(noted: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """What the owner noted in a file: texts by name."""
    return {key.decode(errors="replace"): _text(value) for key, value in (noted or {}).items() if key not in _TECHNICAL}


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def index_last(schema: pyarrow.Schema) -> pyarrow.Schema:
    """The schema with the columns of a pandas index behind all others."""
    index = index_columns(schema)
    return _reordered(schema, (*(name for name in schema.names if name not in index), *index))


def with_index(schema: pyarrow.Schema, columns: Sequence[str] | None) -> pyarrow.Schema:
    """The schema of these columns (None: all), those of a pandas index behind them; KeyError names an unknown one."""
    if columns is None:
        return schema
    index = [name for name in index_columns(schema) if name not in columns]
    return _reordered(schema, (*columns, *index))


def _reordered(schema: pyarrow.Schema, names: Sequence[str]) -> pyarrow.Schema:
    """The schema with only the columns `names`; what pandas noted stays."""
    fields: list[pyarrow.Field[Any]] = [schema.field(name) for name in names]
    return pyarrow.schema(fields).with_metadata(schema.metadata)


def repeated_name(schema: pyarrow.Schema) -> str | None:
    """The first name that several columns have; None if all differ."""
    return next((name for name, count in Counter(schema.names).items() if count > 1), None)


def check_names(schema: pyarrow.Schema, path: Path) -> None:
    """ValueError if two columns have one name."""
    if repeated := repeated_name(schema):
        raise ValueError(
            f"{path.name} has several columns named {repeated!r}: a table is read by the names of its columns, "
            "so write it again with distinct ones"
        )


def check_same(found: pyarrow.Schema, wanted: pyarrow.Schema, path: Path, first: Path) -> None:
    """ValueError if the file `path` has other columns than the file `first` of the same table; any order will do."""
    difference = _first_difference(found, wanted)
    if not difference and len(found) > len(wanted):
        difference = f"it has a column {next(name for name in found.names if name not in wanted.names)!r} more"
    if difference:
        raise ValueError(
            f"{path.name} does not fit {first.name}: {difference}; files of one table have the same columns"
        )


def check_present(found: pyarrow.Schema, wanted: pyarrow.Schema, path: Path) -> None:
    """ReadFailed if a file lacks a wanted column: one of several files has been replaced by one with others."""
    if difference := _first_difference(found, wanted):
        raise ReadFailed(f"{path.name} no longer fits its table: {difference}")


def check_named(found: pyarrow.Schema, wanted: pyarrow.Schema, path: Path) -> None:
    """ReadFailed if a file of ours lacks a wanted column; its types may be others that hold the same values."""
    known = frozenset(found.names)  # which each question would make anew
    if missing := next((name for name in wanted.names if name not in known), None):
        raise ReadFailed(f"{path.name} no longer fits its table: it has no column {missing!r}")


def _first_difference(found: pyarrow.Schema, wanted: pyarrow.Schema) -> str:
    """In what way `found` lacks something that is wanted, in words; empty if in none. More columns do not matter."""
    for field in wanted:
        position = found.get_field_index(field.name)
        if position < 0:
            return f"it has no column {field.name!r}"
        kind = found.field(position).type
        if storage_type(kind) != storage_type(field.type):
            return f"its column {field.name!r} is {kind}, expected {field.type}"
    return ""


def storage_type(kind: Any) -> Any:
    """The type without the name of an extension, which is there only while some library has it registered."""
    return kind.storage_type if isinstance(kind, pyarrow.BaseExtensionType) else kind
