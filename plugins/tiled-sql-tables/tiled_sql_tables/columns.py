"""How columns rest: as what people expect who look into the database, where that holds every value exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa
from msgspec import Struct

from tiledkernel.families.table.fitting import misfit, recast

types: Any = pa.types


class AtRest(Struct, frozen=True):
    """How a column rests: its type in SQL, and the Arrow type of what goes in and comes out."""

    sql: str
    arrow: Any


# Which types of Arrow, and how they rest; the first that fits decides.
Rule: TypeAlias = "tuple[Callable[[Any], bool], AtRest | Callable[[Any], AtRest | None]]"


def at_rest(kind: Any, rules: Sequence[Rule]) -> AtRest | None:
    """How values of a type rest; None if the database cannot hold them all."""
    if types.is_dictionary(kind):
        return at_rest(kind.value_type, rules)
    for fits, found in rules:
        if fits(kind):
            return found if isinstance(found, AtRest) else found(kind)
    return None


def is_text(kind: Any) -> bool:
    """Whether this is a type of texts."""
    return bool(types.is_string(kind) or types.is_large_string(kind))


def is_bytes(kind: Any) -> bool:
    """Whether this is a type of bytes."""
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def is_small_float(kind: Any) -> bool:
    """Whether this is a type of floats of at most 32 bits."""
    return bool(types.is_float16(kind) or types.is_float32(kind))


def is_time(kind: Any) -> bool:
    """Whether this is a type of times of day that counts at most microseconds."""
    return bool(types.is_time(kind) and kind.unit != "ns")


def is_countable(kind: Any) -> bool:
    """Whether values of this type are numbers of some unit of time."""
    return bool(types.is_temporal(kind) and not types.is_interval(kind))


COUNT = AtRest("BIGINT", pa.int64())


def resting(rows: pa.Table, columns: Mapping[str, AtRest]) -> pa.Table:
    """Rows as they rest; Unprocessable names a column with a value that the database cannot hold."""
    found = []
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        try:
            plain = recast(column, column.type.value_type) if types.is_dictionary(column.type) else column
            found.append(recast(plain, columns[name].arrow))
        except pa.ArrowException as error:
            raise misfit(f"the database cannot hold a value of the column {name!r}: {error}", name) from error
    return pa.table(found, names=rows.column_names)


def restored(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows as they were before they were laid to rest."""
    found = [recast(column, kind) for column, kind in zip(rows.columns, schema.types, strict=True)]
    return pa.Table.from_arrays(found, schema=schema)
