"""What the cells of a sheet hold: numbers, truth values and texts, whole columns at a time."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow
from msgspec import Struct
from numpy.typing import NDArray

from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.texts import as_texts, compute

Values: TypeAlias = Any  # a pyarrow.Array

DATE, MOMENT, TIME, SPAN = range(4)  # how numbers of days are shown: positions in FORMATS
FORMATS = ("yyyy\\-mm\\-dd", "yyyy\\-mm\\-dd\\ hh:mm:ss", "hh:mm:ss", "[h]:mm:ss")

MAX_CHARACTERS = 32_767  # of a cell, counted as UTF-16 has them
_EXACT = 1 << 53  # integers up to this are exact
_EPOCH = 25_569  # 1970-01-01, in days as Excel counts them
_FIRST, _LAST = 61, 2_958_466  # before March 1900 its calendar has a day too many; after 9999 it ends
_DAY = 86_400  # seconds
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class Cells(Struct):
    """The cells of a column: str, bool, int, float, or None if empty; and how its numbers are shown."""

    values: list[Any]
    style: int | None = None


class Numbers(Struct):
    """Values that a sheet has as numbers, which of them fit, and how they are shown."""

    values: NDArray[Any]
    fits: NDArray[np.bool_]
    style: int | None = None


def cells(values: Values, name: str) -> Cells:
    """The cells of the column `name`."""
    if pyarrow.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pyarrow.types.is_boolean(values.type):
        return Cells(values.to_pylist())
    numbers = _numbers(values)
    if numbers is None:
        return Cells(_texts(values, name))
    found = numbers.values.tolist()
    missing = values.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    for place in np.flatnonzero(missing):
        found[place] = None
    strange = np.flatnonzero(~(numbers.fits | missing))
    texts = _texts(values.take(pyarrow.array(strange)), name)
    for place, text in zip(strange, texts, strict=True):
        found[place] = text
    return Cells(found, numbers.style)


def _numbers(values: Values) -> Numbers | None:
    """None for what is no number and no time, and for moments with a time zone, which sheets do not have."""
    kind, types = values.type, pyarrow.types
    if types.is_integer(kind):
        whole = values.fill_null(0).to_numpy(zero_copy_only=False)
        return Numbers(whole, (whole >= -_EXACT) & (whole <= _EXACT))
    if types.is_decimal(kind):
        values = values.cast(pyarrow.float64())
        kind = values.type
    if types.is_floating(kind):
        floats = values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
        if types.is_floating(kind) and kind.bit_width < 64:  # the digits that the narrow number has, and no more
            floats = np.array([float(str(number)) for number in values.to_numpy(zero_copy_only=False)], np.float64)
        return Numbers(floats, ~np.isinf(floats))
    return _serials(values) if types.is_temporal(kind) and not getattr(kind, "tz", None) else None


def _serials(values: Values) -> Numbers | None:
    """Times as numbers of days: since 1900 if they have a date."""
    style = _style_of(values.type)
    if style is None:
        return None
    narrow = pyarrow.types.is_date32(values.type) or pyarrow.types.is_time32(values.type)
    counted = (values.cast(pyarrow.int32()) if narrow else values).cast(pyarrow.int64())
    dated = style in (DATE, MOMENT)
    days = counted.fill_null(0).to_numpy(zero_copy_only=False) / _per_day(values.type) + (_EPOCH if dated else 0)
    return Numbers(days, (days >= (_FIRST if dated else 0)) & (days < _LAST), style)


def _style_of(kind: pyarrow.DataType) -> int | None:
    types = pyarrow.types
    tests: dict[int, Any] = {
        DATE: types.is_date,
        MOMENT: types.is_timestamp,
        TIME: types.is_time,
        SPAN: types.is_duration,
    }
    return next((style for style, fits in tests.items() if fits(kind)), None)


def _per_day(kind: Any) -> int:
    """How many units of a type make a day."""
    if pyarrow.types.is_date32(kind):
        return 1
    return _DAY * _PER_SECOND["ms" if pyarrow.types.is_date64(kind) else kind.unit]


def _texts(values: Values, name: str) -> list[str | None]:
    """Texts as cells hold them; NotAcceptable if one is longer than that."""
    texts = as_texts(values)
    texts.validate(full=True)  # bytes that are no UTF-8 would spoil the whole file
    lengths = compute.utf8_length(texts).fill_null(0).to_numpy(zero_copy_only=False)
    found: list[str | None] = texts.to_pylist()
    for place in np.flatnonzero(lengths > MAX_CHARACTERS // 2):  # characters beyond the basic plane count twice
        checked_text(found[place] or "", f"column {name!r}")
    return [text if text is None else _writable(text) for text in found]


def checked_text(text: str, where: str) -> str:
    """A text that a cell holds; NotAcceptable if it is too long, and `where` it is."""
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    if length > MAX_CHARACTERS:
        raise NotAcceptable(
            f"a text of {length} characters in {where} is longer than the {MAX_CHARACTERS} of a cell: "
            "choose other columns with 'column=', or ask for text/csv"
        )
    return _writable(text)


def _writable(text: str) -> str:
    """The text, with the two characters that XML lacks and no spelling saves replaced by U+FFFD."""
    return text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
