"""Tables as Excel workbooks, written by XlsxWriter.

A text is always a text: nothing in a table becomes a formula, a link or a number by the way it is written. Numbers are
written with all their digits. What Excel does not have is written as text: integers beyond 2**53, infinities, moments
with a time zone, dates before March 1900, negative spans, bytes, lists and structures. Missing values and NaN are
empty cells. Excel tells moments apart down to milliseconds.

Rows are written to a file as they are read: this takes little memory, and a limit of Excel is told before anything is
sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileSizeError
from xlsxwriter.worksheet import Worksheet

from tiled_exporters.sheet_cells import FORMATS, Cells, cells, checked_text
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.families.table.texts import column_names, partitions, pieces
from tiledkernel.server.spooled import spooled

MAX_ROWS = 1_048_576  # of which one holds the names
MAX_COLUMNS = 16_384
_FORBIDDEN = re.compile(r"[\[\]:*?/\\'\x00-\x1f\ufffe\uffff\ud800-\udfff]")
_CREATED = datetime(1980, 1, 1, tzinfo=UTC)  # the same data make the same file, whenever that is
_LITERAL = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}


class ExactSheet(Worksheet):  # type: ignore[misc]  # the library ships no types
    """A sheet whose numbers have all their digits; the library itself writes 16, of the 17 that some need."""

    def _xml_number_element(self, number: float, attributes: Sequence[tuple[str, Any]] = ()) -> None:
        written = "".join(f' {name}="{value}"' for name, value in attributes)
        self.fh.write(f"<c{written}><v>{number!r}</v></c>")


def encode(payload: TablePayload, context: Encoding) -> Iterator[bytes]:
    """A workbook with one sheet: a row of names, and one for each row of the table; NotAcceptable names a limit."""
    names = column_names(payload)
    if len(names) > MAX_COLUMNS:
        raise NotAcceptable(
            f"this table has {len(names)} columns, more than the {MAX_COLUMNS} of a sheet: "
            "choose some with 'column=', or ask for text/csv"
        )
    return spooled(partial(_write, payload=payload, name=context.name))


def _write(path: Path, payload: TablePayload, name: str) -> None:
    try:
        with Workbook(path, {"constant_memory": True, "tmpdir": path.parent, **_LITERAL}) as book:
            book.set_properties({"created": _CREATED})
            sheet = book.add_worksheet(_sheet_name(name), worksheet_class=ExactSheet)
            _write_sheet(book, sheet, payload)
    except FileSizeError:
        raise NotAcceptable(
            "this is more than a workbook can hold: name fewer columns with 'column=', or ask for text/csv"
        ) from None


def _write_sheet(book: Workbook, sheet: Worksheet, payload: TablePayload) -> None:
    formats = [book.add_format({"num_format": code}) for code in FORMATS]
    bold = book.add_format({"bold": True})
    names = column_names(payload)
    for place, text in enumerate(names):
        sheet.write_string(0, place, checked_text(text, "the names of columns"), bold)
    row = 1
    for table in partitions(payload):
        if row + table.num_rows > MAX_ROWS:
            raise NotAcceptable(
                f"this table has more rows than the {MAX_ROWS - 1} of a sheet below the names: "
                "export it partition by partition, or ask for text/csv"
            )
        for piece in pieces(table):
            columns = [cells(column.combine_chunks(), name) for column, name in zip(piece.columns, names, strict=True)]
            _write_rows(sheet, row, columns, formats)
            row += piece.num_rows


def _write_rows(sheet: Worksheet, first: int, columns: Sequence[Cells], formats: Sequence[Any]) -> None:
    shown = [None if column.style is None else formats[column.style] for column in columns]
    for row, values in enumerate(zip(*(column.values for column in columns), strict=True), first):
        if all(value is None for value in values):
            sheet.write_blank(row, 0, None, formats[0])  # a row all the same
        for place, value in enumerate(values):
            if type(value) is str:
                sheet.write_string(row, place, value)
            elif type(value) is bool:
                sheet.write_boolean(row, place, value)
            elif value is not None:
                sheet.write_number(row, place, value, shown[place])


def _sheet_name(name: str) -> str:
    """The name as Excel takes it: of 1 to 31 characters, some of which it does not have."""
    kept = _FORBIDDEN.sub("_", name).strip()[:31]
    return "Sheet1" if not kept or kept.lower() == "history" else kept  # the second Excel keeps for itself
