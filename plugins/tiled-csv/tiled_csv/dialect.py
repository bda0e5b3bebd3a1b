"""How a CSV file is written: guessed from its beginning."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from pathlib import Path

from msgspec import Struct

from tiled_csv.options import DEFAULTS, CsvOptions
from tiled_csv.rows import end_of_row

SAMPLE = 256 << 10  # bytes that are looked at
_ROWS = 200  # of the sample, that the guesses rest on
_SEPARATORS = "\t;|,"  # of those that divide all rows alike the first is taken: a comma may also be a decimal point
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*|\s*[+-]?(nan|inf(inity)?)\s*", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*")
_DECIMAL_POINT = re.compile(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b"))


class Dialect(Struct, frozen=True, kw_only=True):
    """How to read a file; `start` is the offset of the first row of data."""

    separator: str
    decimal: str
    encoding: str
    newline: bytes
    names: tuple[str, ...]
    start: int
    comments: tuple[str, ...] = ()


def sniff(path: Path, options: CsvOptions = DEFAULTS, *, encoding: str | None = None) -> Dialect:
    """The dialect of a file; ValueError if it is no text, or has no rows.

    If nothing is said about a header, the first row names the columns unless it consists of numbers. `encoding`
    is assumed if the options say none; None: it is guessed.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
        complete = not file.read(1)
    _check_text(sample, path.name)
    offset = len(codecs.BOM_UTF8) if sample.startswith(codecs.BOM_UTF8) else 0
    newline = b"\n" if b"\n" in sample or b"\r" not in sample else b"\r"
    encoding = options.encoding or encoding or _guess_encoding(sample)
    offset = _skip_lines(sample, offset, newline, options.skipped)
    start = _skip_comments(sample, offset, newline)
    comments = tuple(line.lstrip("#").strip() for line in sample[offset:start].decode(encoding).splitlines() if line)
    if not sample[start:].strip():
        raise ValueError(
            f"{path.name} has no rows" + ("" if complete else f" within its first {SAMPLE} bytes, only comments")
            + ": expected a line with the names of the columns, then one line per row"
        )  # fmt: skip
    body = sample[start:] if complete else sample[start : sample.rfind(newline) + 1] or sample[start:]
    lines = body.decode(encoding, errors="replace").splitlines(keepends=True)[:_ROWS]
    separator, rows = _separated(lines, options.separator)
    decimal = options.decimal or ("," if separator != "," and _has_decimal_commas(rows) else ".")
    header = not _is_numbers(rows[0], decimal) if options.has_header is None else options.has_header
    if header:
        start += end_of_row(body, separator, newline)
    names = _column_names(rows[0]) if header else _numbered_names(len(rows[0]), comments, separator)
    if options.names is not None:
        if len(options.names) != len(names):
            raise ValueError(f"{path.name} has {len(names)} columns, but {len(options.names)} names were given")
        names = options.names
    return Dialect(
        separator=separator, decimal=decimal, encoding=encoding, newline=newline,
        names=names, start=start, comments=comments,
    )  # fmt: skip


def _check_text(sample: bytes, name: str) -> None:
    if sample.startswith(_UTF_16):
        raise ValueError(f"{name} is text in UTF-16: save it as UTF-8 (in Excel 'CSV UTF-8')")
    strange = len(sample) - len(sample.translate(None, _CONTROL))
    if b"\0" in sample or strange > len(sample) / 20:
        raise ValueError(
            f"{name} is no CSV: it begins with {sample[:8]!r} and holds bytes that no text has; "
            "if it is a file of another kind, give it that kind's suffix"
        )


def _guess_encoding(sample: bytes) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)  # a character that is cut off at the end is no mistake
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _skip_lines(sample: bytes, offset: int, newline: bytes, count: int) -> int:
    """Where the line begins before which there are so many."""
    for _ in range(count):
        offset = sample.find(newline, offset) + 1 or len(sample)
    return offset


def _skip_comments(sample: bytes, offset: int, newline: bytes) -> int:
    """Where the rows begin, behind lines that are empty or begin with '#'."""
    while offset < len(sample):
        end = sample.find(newline, offset) + 1 or len(sample)
        line = sample[offset:end].strip()
        if line and not line.startswith(b"#"):
            break
        offset = end
    return offset


def _separated(lines: list[str], separator: str | None) -> tuple[str, list[list[str]]]:
    """The separator, if need be guessed, and the rows."""
    return _guess_separator(lines) if separator is None else (separator, _rows(lines, separator))


def _guess_separator(lines: list[str]) -> tuple[str, list[list[str]]]:
    """The separator that divides most rows into one number of fields, more than one; and the rows."""
    best = (0.0, ",", list(_rows(lines, ",")))
    for separator in _SEPARATORS:
        rows = _rows(lines, separator)
        width, count = Counter(map(len, rows)).most_common(1)[0] if rows else (1, 0)
        share = count / len(rows) if width > 1 else 0.0
        if share > best[0]:
            best = (share, separator, rows)
    return best[1], best[2]


def _rows(lines: list[str], separator: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=separator) if row and not row[0].startswith("#")]
    except csv.Error:  # a field of more than 128 KiB: probably a quote that is never closed
        return [line.rstrip("\r\n").split(separator) for line in lines]


def _has_decimal_commas(rows: list[list[str]]) -> bool:
    fields = [field for row in rows for field in row]
    return any(map(_DECIMAL_COMMA.fullmatch, fields)) and not any(map(_DECIMAL_POINT.fullmatch, fields))


def _is_numbers(row: list[str], decimal: str) -> bool:
    """Whether a row holds numbers and nothing else but gaps."""
    filled = [field.replace(decimal, ".") for field in row if field.strip()]
    return bool(filled) and all(map(_NUMBER.fullmatch, filled))


def _column_names(row: list[str]) -> tuple[str, ...]:
    """Names as the file has them; like pandas, 'Unnamed: 3' for none and 'x.1' for a second 'x'."""
    stripped = [name.strip() or f"Unnamed: {position}" for position, name in enumerate(row)]
    taken = set(stripped)
    names: dict[str, None] = {}
    for name in stripped:
        unique, count = name, 0
        while unique in names or (count and unique in taken):
            count += 1
            unique = f"{name}.{count}"
        names[unique] = None
    return tuple(names)


def _numbered_names(count: int, comments: tuple[str, ...], separator: str) -> tuple[str, ...]:
    """Names for columns without a header: those in the comment line above, as numpy writes them, else '0', '1', ..."""
    if comments:
        (named,) = csv.reader([comments[-1]], delimiter=separator)
        if len(named) == count > 1 and all(name.strip() for name in named) and not _is_numbers(named, "."):
            return _column_names(named)
    return tuple(map(str, range(count)))
