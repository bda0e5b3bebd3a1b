"""The cells of a sheet as columns of one type each."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import compute

from tiledkernel.nodes.keys import distinct

EXACT = 1 << 53  # a spreadsheet has floats only: beyond this, integers are not exact
_EMPTY = ""  # what stands for a cell without a value, or with an error


def as_table(rows: Sequence[Sequence[Any]]) -> pa.Table:
    """A table of the cells of a sheet, of which the first row names the columns."""
    if not rows:
        return pa.table({})
    names = column_names(rows[0])
    body = rows[1:]
    return pa.table({name: as_column([row[place] for row in body]) for place, name in enumerate(names)})


def column_names(row: Iterable[Any]) -> list[str]:
    """Names as the sheet has them; like pandas, 'Unnamed: 3' for none and 'x.1' for a second 'x'."""
    return distinct(_as_text(cell).strip() or f"Unnamed: {position}" for position, cell in enumerate(row))


def as_column(cells: Sequence[Any]) -> pa.Array[Any]:
    """Whole numbers, numbers, truth values, dates, times or durations if all cells are; else text. Empty is missing."""
    kinds = set(map(type, cells))
    if str in kinds and not any(cell for cell in cells if type(cell) is str):
        kinds.discard(str)
    for accepted, convert in _CONVERSIONS:
        if kinds <= accepted:
            return convert([None if cell == _EMPTY else cell for cell in cells])
    return pa.array([None if cell == _EMPTY else _as_text(cell) for cell in cells], pa.string())


def _numbers(cells: list[Any]) -> pa.Array[Any]:
    """Whole numbers if all are, as far as they are exact; a column without any value is one of missing numbers."""
    numbers = pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    bounds = compute.min_max(numbers)
    lowest, highest = bounds["min"].as_py(), bounds["max"].as_py()
    if lowest is None or not -EXACT <= lowest <= highest <= EXACT:
        return numbers
    try:
        return numbers.cast(pa.int64())
    except pa.ArrowInvalid:  # one of them has a fraction
        return numbers


def _dates(cells: list[Any]) -> pa.Array[Any]:
    """A date is the midnight that it begins with."""
    return pa.array([_moment(cell) for cell in cells], pa.timestamp("us"))


def _moment(cell: Any) -> datetime.datetime | None:
    if cell is None or isinstance(cell, datetime.datetime):
        return cell
    return datetime.datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - spreadsheets know no time zones


def _of(kind: pa.DataType) -> Callable[[list[Any]], pa.Array[Any]]:
    return lambda cells: pa.array(cells, kind)


# The first set that has all types of a column decides.
_CONVERSIONS: tuple[tuple[frozenset[type], Callable[[list[Any]], pa.Array[Any]]], ...] = (
    (frozenset({int, float}), _numbers),
    (frozenset({bool}), _of(pa.bool_())),
    (frozenset({datetime.date, datetime.datetime}), _dates),
    (frozenset({datetime.time}), _of(pa.time64("us"))),
    (frozenset({datetime.timedelta}), _of(pa.duration("us"))),
    (frozenset({str}), _of(pa.string())),
)


def _as_text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
