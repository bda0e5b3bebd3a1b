"""Uploaded tables as CSV files, one for each partition, which any program can read.

Texts are quoted and missing values are not, so that an empty text is told from none. What is read back is what was
written, in types that the catalog remembers: a CSV file does not have any.
"""

from __future__ import annotations

from io import BufferedWriter
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from tiledkernel.families.table.fitting import recast
from tiledkernel.families.table.schemas import check_named
from tiledkernel.families.table.writing import TableFiles

MEDIA_TYPE = "text/csv"
_LONGEST = (1 << 31) - 1  # bytes of text that are parsed in one piece


def write_rows(table: pa.Table, file: BufferedWriter) -> None:
    """A header, and one line per row."""
    columns = [recast(column, _written(column.type)) for column in table.columns]
    csv.write_csv(pa.table(columns, names=table.column_names), file)  # which quotes all texts, and nothing else


def read_columns(path: Path, wanted: pa.Schema) -> pa.Table:
    """The wanted columns of a file of ours; it was renamed into its place, and never changes."""
    size = min(path.stat().st_size + 1, _LONGEST)  # in one piece: a long row could straddle two
    table = csv.read_csv(
        str(path),
        read_options=csv.ReadOptions(block_size=size),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types={field.name: _written(field.type) for field in wanted},
            include_columns=wanted.names,
            include_missing_columns=False,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    check_named(table.schema, wanted, path)
    return table


def _written(kind: Any) -> pa.DataType:
    """The type whose texts stand for the values of a column; ArrowNotImplementedError if there is none."""
    types = pa.types
    if types.is_dictionary(kind):
        return _written(kind.value_type)
    if (
        types.is_nested(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
    ):
        raise pa.ArrowNotImplementedError("a cell of a text file has no room for it")
    if types.is_float16(kind):
        return pa.float32()
    if types.is_duration(kind):
        return pa.int64()
    if types.is_date64(kind):
        return pa.date32()
    if types.is_decimal(kind) and not types.is_decimal128(kind):
        return pa.string()
    return kind  # type: ignore[no-any-return]  # a type, whichever


FILES = TableFiles(kind="CSV", media_type=MEDIA_TYPE, suffix=".csv", write=write_rows, read=read_columns)
