"""Columns of a table as texts, whole columns at a time: what CSV, HTML pages and spreadsheets show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import pyarrow
import pyarrow.compute
from numpy.typing import NDArray

from tiledkernel import wire
from tiledkernel.families.table.payload import TablePayload

# The stubs of pyarrow's functions do not fit together where the type of a column is only known at run time.
compute: Any = pyarrow.compute
Column: TypeAlias = Any  # a pyarrow.ChunkedArray
Values: TypeAlias = Any  # a pyarrow.Array
Texts: TypeAlias = Any  # a pyarrow.StringArray

ROWS = 10_000  # rows that are turned to text at a time,
PIECE = 4 << 20  # or fewer, if these are more than so many bytes
_WHOLE = 1e10  # floats below this are written without an exponent
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86_400  # seconds


def column_names(payload: TablePayload) -> list[str]:
    """The names of the columns but for those of the index."""
    return [name for name in payload.schema.names if name not in payload.index]


def partitions(payload: TablePayload) -> Iterator[pyarrow.Table]:
    """The rows, one partition at a time, without the columns of the index."""
    for table in payload.tables():
        kept = [place for place, name in enumerate(table.schema.names) if name not in payload.index]
        yield table.select(kept)  # by place: nothing says that names are distinct


def pieces(table: pyarrow.Table) -> Iterator[pyarrow.Table]:
    """The rows of a table, some at a time; of a table without columns none."""
    if not table.num_columns or not table.num_rows:
        return
    step = max(1, min(ROWS, PIECE * table.num_rows // max(1, table.nbytes)))
    for start in range(0, table.num_rows, step):
        yield table.slice(start, step)


class TextRows:
    """Rows as texts, piece by piece: `is_free` tells columns that may hold anything from those of numbers and truth."""

    def __init__(self, payload: TablePayload) -> None:
        self._payload = payload
        self._fineness: dict[int, int] = {}

    def __iter__(self) -> Iterator[list[tuple[Texts, bool]]]:
        for table in partitions(self._payload):
            for piece in pieces(self._coarse(table)):
                yield [(as_texts(column), is_free(column.type)) for column in piece.columns]

    def _coarse(self, table: pyarrow.Table) -> pyarrow.Table:
        """Moments with no more digits than they need, and as days if all are midnights; never coarser than before."""
        for place, column in enumerate(table.columns):
            if pyarrow.types.is_timestamp(column.type):
                least = self._fineness[place] = max(_fineness(column), self._fineness.get(place, 0))
                table = table.set_column(place, table.schema.names[place], column.cast(_coarsened(column.type, least)))
        return table


def _fineness(column: Column) -> int:
    """0 if all moments are midnights, else 1 to 4 for the coarsest unit that holds them exactly."""
    moments: NDArray[np.int64] = column.cast(pyarrow.int64()).drop_null().to_numpy()
    resolution = _PER_SECOND[column.type.unit]
    steps = [_DAY * resolution, *(max(1, resolution // per_second) for per_second in _PER_SECOND.values())]
    return next(fineness for fineness, step in enumerate(steps) if not (moments % step).any())


def _coarsened(kind: Any, fineness: int) -> pyarrow.DataType:
    """The type that holds moments of this fineness; days have no time zone."""
    if fineness == 0 and not kind.tz:
        return pyarrow.date32()
    unit: Any = list(_PER_SECOND)[max(fineness - 1, 0)]
    return pyarrow.timestamp(unit, kind.tz)


def is_free(kind: pyarrow.DataType) -> bool:
    """Whether texts of this type may hold anything, as those of numbers and truth values do not."""
    if pyarrow.types.is_dictionary(kind):
        return is_free(kind.value_type)
    types = pyarrow.types
    return not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind))


def as_texts(column: Column) -> Texts:
    """One text for each value; null where it is missing, and for NaN."""
    kind = column.type
    values: Values = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
    if pyarrow.types.is_dictionary(kind):
        return as_texts(values.dictionary_decode())
    if pyarrow.types.is_boolean(kind):
        return compute.if_else(values, "True", "False")
    if pyarrow.types.is_floating(kind):
        return _floats(values)
    if pyarrow.types.is_timestamp(kind) and kind.tz:
        return _aware(values)
    if _casts(kind):
        return values.cast(pyarrow.string())
    return pyarrow.array([None if value is None else _text(value) for value in values.to_pylist()], pyarrow.string())


def _casts(kind: pyarrow.DataType) -> bool:
    """Whether pyarrow spells values of this type as we do; a duration it spells as a bare number."""
    types = pyarrow.types
    if str(kind) in ("string", "large_string", "string_view"):
        return True
    return types.is_integer(kind) or (types.is_temporal(kind) and not _is_span(kind))


def _is_span(kind: pyarrow.DataType) -> bool:
    return pyarrow.types.is_duration(kind) or pyarrow.types.is_interval(kind)


def _floats(values: Values) -> Texts:
    """The shortest text that reads back as the same number; whole ones keep a '.0', so that they stay floats."""
    if pyarrow.types.is_float16(values.type):
        values = values.cast(pyarrow.float32())
    numbers = values.to_numpy(zero_copy_only=False)
    missing = np.isnan(numbers)
    with np.errstate(invalid="ignore"):
        whole = (np.abs(numbers) < _WHOLE) & (numbers == np.trunc(numbers))
    if whole.all() and not np.signbit(numbers[numbers == 0]).any():
        return join(pyarrow.array(numbers.astype(np.int64)).cast(pyarrow.string()), ".0")
    texts = pyarrow.array(numbers, mask=missing).cast(pyarrow.string())
    return compute.if_else(whole, join(texts, ".0"), texts) if whole.any() else texts


def _aware(moments: Values) -> Texts:
    """In their own time zone, with the offset; in UTC if nobody here knows the zone."""
    try:
        return compute.strftime(moments, "%Y-%m-%d %H:%M:%S%Ez")
    except pyarrow.ArrowInvalid:
        naive = moments.cast(pyarrow.timestamp(moments.type.unit))
        return join(naive.cast(pyarrow.string()), "+00:00")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return wire.encode_json(wire.plain(value)).decode() if isinstance(value, (list, dict, tuple)) else str(value)


def join(*parts: Texts | str) -> Texts:
    """Columns, and texts that are the same in every row, joined row by row; null where one of them is."""
    return compute.binary_join_element_wise(*parts, "")


def body_of(texts: Texts) -> memoryview:
    """All texts, one behind the other; not copied."""
    if not len(texts):
        return memoryview(b"")
    offsets, data = layout(texts)
    return data[offsets[0] : offsets[-1]]


def layout(texts: Texts) -> tuple[NDArray[np.int32], memoryview]:
    """Where each text begins and the last one ends, and the bytes of all texts."""
    _, ends, data = texts.buffers()
    offsets = np.frombuffer(memoryview(ends), np.int32, count=len(texts) + 1, offset=4 * texts.offset)
    return offsets, memoryview(b"" if data is None else data)
