"""Tables as Excel workbooks.

A text is always a text: nothing in a table becomes a formula, a link or a number by the way it is written. Numbers are
written with all their digits. What Excel does not have is written as text: integers beyond 2**53, infinities, moments
with a time zone, dates before March 1900, negative spans, bytes, lists and structures. Missing values and NaN are
empty cells. Excel tells moments apart down to milliseconds.

Rows are made by pyarrow, columns at a time, and the file on disk: this takes little memory, and a limit of Excel is
told before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow

from tiled_exporters.sheet_cells import cells, texts_of_cells
from tiled_exporters.workbook import HEADING, write_workbook
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.families.table.texts import body_of, column_names, join, partitions, pieces
from tiledkernel.server.spooled import spooled

MAX_ROWS = 1_048_576  # of which one holds the names
MAX_COLUMNS = 16_384


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
    write_workbook(path, name, _rows(payload))


def _rows(payload: TablePayload) -> Iterator[bytes | memoryview]:
    names = column_names(payload)
    letters = [column_letters(place) for place in range(len(names))]
    headings = texts_of_cells(pyarrow.array(names, pyarrow.string()), "the names of columns").to_pylist()
    yield _heading(zip(letters, headings, strict=True))
    above = 1
    for table in partitions(payload):
        if above + table.num_rows > MAX_ROWS:
            raise NotAcceptable(
                f"this table has more rows than the {MAX_ROWS - 1} of a sheet below the names: "
                "export it partition by partition, or ask for text/csv"
            )
        for piece in pieces(table):
            numbers = pyarrow.array(np.arange(above + 1, above + 1 + piece.num_rows)).cast(pyarrow.string())
            columns = [
                cells(column.combine_chunks(), name, f'<c r="{at}', numbers)
                for column, name, at in zip(piece.columns, names, letters, strict=True)
            ]
            yield body_of(join('<row r="', numbers, '">', *columns, "</row>"))
            above += piece.num_rows


def _heading(headings: Iterable[tuple[str, str]]) -> bytes:
    style = f'1" s="{HEADING}" t="inlineStr"><is><t xml:space="preserve">'
    cells_of_row = (f'<c r="{letters}{style}{text}</t></is></c>' for letters, text in headings)
    return f'<row r="1">{"".join(cells_of_row)}</row>'.encode()


def column_letters(place: int) -> str:
    """What Excel calls a column: A, B, ... Z, AA, ..."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
