"""Rows of text become columns, by pyarrow."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa
from msgspec import Struct
from pyarrow import compute, csv

from tiled_csv.dialect import Dialect

Types = Mapping[str, "pa.DataType"]


class MalformedError(ValueError):
    """Rows that do not fit the columns."""


def parse(data: bytes, dialect: Dialect, types: Types | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows in `data`: only these columns converted, to these types (None: to those that fit)."""
    if dialect.encoding != "utf-8":
        data = data.decode(dialect.encoding).encode()
    odd = _OddRows()
    try:
        return csv.read_csv(
            io.BytesIO(data),
            # All in one block: in blocks, a long row could straddle two.
            read_options=csv.ReadOptions(column_names=list(dialect.names), block_size=len(data) + 1),
            parse_options=csv.ParseOptions(
                delimiter=dialect.separator, newlines_in_values=b'"' in data, invalid_row_handler=odd
            ),
            convert_options=csv.ConvertOptions(
                decimal_point=dialect.decimal,
                column_types=None if types is None else dict(types),
                include_columns=None if columns is None else list(columns),
            ),
        )
    except pa.ArrowInvalid as error:
        raise MalformedError(odd.sentence or _first_line(error)) from error


class _OddRows:
    """Decides on rows with too many or too few fields: comments are skipped, others are a mistake."""

    def __init__(self) -> None:
        self.sentence = ""

    def __call__(self, row: csv.InvalidRow) -> Literal["skip", "error"]:
        if row.text.lstrip().startswith("#"):
            return "skip"
        if not self.sentence:
            self.sentence = (
                f"the row {row.text[:60]!r} has {row.actual_columns} fields, expected {row.expected_columns}"
            )
        return "error"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


class Inferred(Struct, frozen=True):
    """What some rows hold: the narrowest type of each column that takes all values, and which columns have gaps."""

    types: Types
    gaps: frozenset[str]
    rows: int


def infer(data: bytes, dialect: Dialect) -> Inferred:
    """What the rows in `data` hold."""
    table = parse(data, dialect)
    types = {field.name: field.type for field in table.schema}
    huge = [name for name in table.column_names if _may_be_huge_integers(table[name])]
    if huge:
        texts = parse(data, dialect, dict.fromkeys(huge, pa.string()), huge)
        types.update({name: pa.string() for name in huge if _are_integers(texts[name])})
    gaps = frozenset(name for name in table.column_names if table[name].null_count)
    return Inferred(types, gaps, table.num_rows)


def _may_be_huge_integers(column: Any) -> bool:
    """Whether a column was taken for floats because its integers need more than 64 bits."""
    if not pa.types.is_floating(column.type):
        return False
    low, high = (compute.min_max(column)[bound].as_py() for bound in ("min", "max"))
    return low is not None and max(-low, high) >= 2.0**63


def _are_integers(texts: Any) -> bool:
    written = compute.match_substring_regex(texts, r"^\s*[+-]?\d*\s*$")
    return bool(compute.all(written).as_py())
