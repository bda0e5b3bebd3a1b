"""Cells of a sheet as XML elements, whole columns at a time."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow
from msgspec import Struct
from numpy.typing import NDArray

from tiled_exporters.workbook import DATE, MOMENT, SPAN, TIME
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.texts import Texts, as_texts, body_of, compute, join

Values: TypeAlias = Any  # a pyarrow.Array
Cells: TypeAlias = Any  # a pyarrow.StringArray of elements

MAX_CHARACTERS = 32_767  # of a cell, counted as UTF-16 has them
_EXACT = 1 << 53  # integers up to this are exact
_EPOCH = 25_569  # 1970-01-01, in days as Excel counts them
_FIRST, _LAST = 61, 2_958_466  # before March 1900 its calendar has a day too many; after 9999 it ends
_DAY = 86_400  # seconds
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
# Characters that XML does not have: Excel reads them in this spelling, and so a text that looks like it is escaped.
_CONTROLS = {chr(code): f"_x{code:04X}_" for code in (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)}
_SPELLING = "_(x[0-9A-Fa-f]{4}_)"
_IS_SPECIAL = np.zeros(256, np.bool_)  # bytes of texts that are not written as they are, or may not be
_IS_SPECIAL[[*range(32), *b"&<>_", 0xEF]] = True


class Numbers(Struct):
    """Values that a sheet has as numbers: their texts, the style to show them in, and which of them fit."""

    texts: Texts
    fits: NDArray[np.bool_]
    style: int = 0


def cells(values: Values, name: str, begin: str, rows: Texts) -> Cells:
    """The elements of the column `name`, each with its address: `begin` and the number of its row.

    A missing value is an empty element, so that a row in which all are missing is still a row.
    """
    if pyarrow.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    made = _cells(values, name, begin, rows)
    return compute.coalesce(made, join(begin, rows, '"/>')) if made.null_count else made


def _cells(values: Values, name: str, begin: str, rows: Texts) -> Cells:
    if pyarrow.types.is_boolean(values.type):
        return join(begin, rows, '" t="b"><v>', compute.if_else(values, "1", "0"), "</v></c>")
    numbers = _numbers(values)
    if numbers is not None and numbers.fits.all():
        return _number_cells(numbers, begin, rows)
    texts = texts_of_cells(as_texts(values), f"column {name!r}")
    written = join(begin, rows, '" t="inlineStr"><is><t xml:space="preserve">', texts, "</t></is></c>")
    return written if numbers is None else compute.if_else(numbers.fits, _number_cells(numbers, begin, rows), written)


def _number_cells(numbers: Numbers, begin: str, rows: Texts) -> Cells:
    style = f'" s="{numbers.style}"><v>' if numbers.style else '"><v>'
    return join(begin, rows, style, numbers.texts, "</v></c>")


def _numbers(values: Values) -> Numbers | None:
    """None for what is no number and no time, and for moments with a time zone, which sheets do not have."""
    kind, types = values.type, pyarrow.types
    if types.is_integer(kind):
        whole = values.fill_null(0).to_numpy(zero_copy_only=False)
        return Numbers(as_texts(values), (whole >= -_EXACT) & (whole <= _EXACT))
    if types.is_floating(kind):
        return Numbers(as_texts(values), ~np.isinf(values.to_numpy(zero_copy_only=False)))
    if types.is_decimal(kind):
        return Numbers(as_texts(values), np.ones(len(values), np.bool_))
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
    texts = pyarrow.array(days, mask=values.is_null().to_numpy(zero_copy_only=False)).cast(pyarrow.string())
    return Numbers(texts, (days >= (_FIRST if dated else 0)) & (days < _LAST), style)


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


def texts_of_cells(texts: Texts, where: str) -> Texts:
    """Texts as they stand in elements; NotAcceptable if one is longer than a cell, and `where` it is."""
    texts.validate(full=True)  # bytes that are no UTF-8 would spoil the whole file
    _check_lengths(texts, where)
    data = bytes(body_of(texts))
    if not _IS_SPECIAL[np.frombuffer(data, np.uint8)].any():
        return texts
    if b"_x" in data:
        texts = compute.replace_substring_regex(texts, _SPELLING, r"_x005F_\1")
    for character, spelling in (_MARKUP | _CONTROLS).items():
        if character.encode() in data:
            texts = compute.replace_substring(texts, character, spelling)
    return texts


def _check_lengths(texts: Texts, where: str) -> None:
    lengths = compute.utf8_length(texts).fill_null(0).to_numpy(zero_copy_only=False)
    for place in np.flatnonzero(lengths > MAX_CHARACTERS // 2):  # characters beyond the basic plane count twice
        length = len(texts[int(place)].as_py().encode("utf-16-le")) // 2
        if length > MAX_CHARACTERS:
            raise NotAcceptable(
                f"a text of {length} characters in {where} is longer than the {MAX_CHARACTERS} of a cell: "
                "choose other columns with 'column=', or ask for text/csv"
            )
