"""Cells of CSV as RFC 4180 has them, none of which a spreadsheet takes for a formula.

The rule is that of OWASP: a text whose first character would make a formula gets an apostrophe in front of it, which
spreadsheets take for "this is text". A number that is written as text, such as `-1.5`, stays as it is, and columns of
numbers are never touched. Programs that are no spreadsheets see the apostrophe; whoever needs texts to the letter asks
for another format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# What begins a formula, and the control characters and wide forms that some programs drop or narrow on the way to it.
RISKY = "=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20"
# As regular expressions that Python and RE2, which pyarrow uses, understand alike.
NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-](?:inf|nan)"
SPECIAL = '[",\r\n]'

_number = re.compile(NUMBER)
_special = frozenset(SPECIAL[1:-1])


def quoted(text: str) -> str:
    """A cell, in quotes if it holds what separates cells or lines."""
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if not _special.isdisjoint(text) else text


def line(cells: Iterable[str]) -> str:
    """A line without its end."""
    return ",".join([quoted(harmless(cell)) for cell in cells])


def harmless(text: str) -> str:
    """A cell that a spreadsheet takes for text: one that looks like a formula gets an apostrophe in front."""
    return f"'{text}" if text[:1] and text[0] in RISKY and not _number.fullmatch(text) else text
