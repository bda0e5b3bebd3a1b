"""Tables as lines of CSV; what to quote and what to make harmless is decided for whole columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tiledkernel.families.csv_text import NUMBER, RISKY, SPECIAL, line
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.families.table.texts import TextRows, Texts, body_of, column_names, compute, join, layout

_RISKY = "^[" + RISKY.replace("-", r"\-").replace("\0", r"\x00") + "]"
_NUMBER = f"^(?:{NUMBER})$"
_SPECIAL_BYTES = tuple(character.encode() for character in SPECIAL[1:-1])
_MAY_BE_RISKY = np.zeros(256, np.bool_)  # by the first byte of a text
_MAY_BE_RISKY[[character.encode()[0] for character in RISKY]] = True


def csv_lines(payload: TablePayload, *, header: bool) -> Iterator[bytes | memoryview]:
    """A line of names, if wanted, and one for each row; missing values are empty cells."""
    names = column_names(payload)
    if header:
        yield f"{line(names)}\n".encode("utf-8", "replace")
    for columns in TextRows(payload):
        cells = [_cells(texts, is_free=free) for texts, free in columns]
        if len(cells) == 1:  # an empty line is no row
            cells[0] = compute.if_else(compute.equal(cells[0], ""), '""', cells[0])
        separated = [part for cell in cells for part in (",", cell)]
        yield body_of(join(*separated[1:], "\n"))


def _cells(texts: Texts, *, is_free: bool) -> Texts:
    present = texts.fill_null("")
    return _quoted(_harmless(present)) if is_free else present


def _harmless(texts: Texts) -> Texts:
    """An apostrophe before what a spreadsheet would take for a formula."""
    if not _MAY_BE_RISKY[_first_bytes(texts)].any():
        return texts
    risky = compute.and_not(compute.match_substring_regex(texts, _RISKY), compute.match_substring_regex(texts, _NUMBER))
    return compute.if_else(risky, join("'", texts), texts)


def _first_bytes(texts: Texts) -> NDArray[np.uint8]:
    """The first byte of each text that is not empty."""
    if not len(texts):
        return np.empty(0, np.uint8)
    offsets, data = layout(texts)
    starts = offsets[:-1][offsets[1:] > offsets[:-1]]
    first: NDArray[np.uint8] = np.frombuffer(data, np.uint8)[starts]
    return first


def _quoted(texts: Texts) -> Texts:
    """Quotes around what holds something that separates cells or lines."""
    data = bytes(body_of(texts))
    if not any(special in data for special in _SPECIAL_BYTES):
        return texts
    inside = compute.replace_substring(texts, '"', '""') if b'"' in data else texts
    return compute.if_else(compute.match_substring_regex(texts, SPECIAL), join('"', inside, '"'), texts)
