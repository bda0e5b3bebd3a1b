"""What a whole CSV file holds: found by reading it once, a piece at a time.

Only then are the types of its columns known (the last row may hold the first word in a column of numbers), and where
it can be divided. The finding is small and is remembered as long as the file does not change.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Struct

from tiled_csv.dialect import Dialect, sniff
from tiled_csv.options import DEFAULTS, CsvOptions
from tiled_csv.parse import Inferred, MalformedError, infer, parse
from tiled_csv.rows import pieces
from tiledkernel.errors import Gone, NotReady

PARTITION = 16 << 20  # bytes of text that are parsed at a time

_NULL, _INTEGER, _FLOAT, _TEXT = pa.null(), pa.int64(), pa.float64(), pa.string()


class Piece(Struct, frozen=True):
    """Whole rows: bytes [start, stop) of a file."""

    start: int
    stop: int
    rows: int


class Layout(Struct, frozen=True):
    """A file as it was when it was read: how it is written, its pieces, and the types of its columns.

    A column without any value has the type null. `gaps` names columns in which values are missing.
    """

    path: Path
    stamp: Hashable
    dialect: Dialect
    pieces: tuple[Piece, ...]
    types: Mapping[str, Any]
    gaps: frozenset[str]

    def read(self, piece: Piece, types: Mapping[str, Any], columns: Iterable[str]) -> pa.Table:
        """These columns of the rows of a piece; NotReady if the file has changed since."""
        names = list(columns)
        data = self._bytes(piece)
        if not data:
            return pa.schema([(name, types[name]) for name in names]).empty_table()
        table = parse(data, self.dialect, types, names or self.dialect.names[:1])  # none would mean all
        return table.select(names)

    def _bytes(self, piece: Piece) -> bytes:
        try:
            if file_stamp(self.path) == self.stamp:
                with self.path.open("rb") as file:
                    file.seek(piece.start)
                    return file.read(piece.stop - piece.start)
        except FileNotFoundError:
            raise Gone(f"{self.path.name} is gone: it was deleted, or moved, after it was listed") from None
        raise NotReady(f"{self.path.name} was changed while it was being read: ask again")


def file_stamp(path: Path) -> Hashable:
    """Differs after a file was changed or replaced."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def survey(path: Path, options: CsvOptions = DEFAULTS) -> Layout:
    """The layout of a file as it is now; ValueError says what is wrong with it, and in which line."""
    return _survey(path, file_stamp(path), options, PARTITION)


@lru_cache(maxsize=256)
def _survey(path: Path, stamp: Hashable, options: CsvOptions, size: int) -> Layout:
    dialect = sniff(path, options)
    try:
        return _read_through(path, stamp, dialect, size)
    except UnicodeDecodeError:
        if options.encoding is not None:
            raise
        return _read_through(path, stamp, sniff(path, options, encoding="latin-1"), size)


def _read_through(path: Path, stamp: Hashable, dialect: Dialect, size: int) -> Layout:
    found: list[tuple[Piece, Inferred]] = []
    with path.open("rb") as file:
        for start, data in pieces(file, dialect.start, size, dialect.separator, dialect.newline):
            _check_text(data, dialect, path, start)
            try:
                inferred = infer(data, dialect)
            except MalformedError as error:
                line = _line_number(path, start, data, str(error))
                raise ValueError(
                    f"{path.name} cannot be read as CSV{line}: {error} (columns: {', '.join(dialect.names[:8])}, "
                    f"separated by {dialect.separator!r})"
                ) from error
            found.append((Piece(start, start + len(data), inferred.rows), inferred))
    gaps = frozenset[str]().union(*(inferred.gaps for _, inferred in found))
    layout = Layout(path, stamp, dialect, tuple(piece for piece, _ in found), {}, gaps)
    holders = [Holder(layout, piece, inferred.types) for piece, inferred in found]
    return msgspec.structs.replace(layout, types=unify(dialect.names, holders))


def _check_text(data: bytes, dialect: Dialect, path: Path, start: int) -> None:
    """ValueError if there is a zero byte, UnicodeDecodeError if the encoding was guessed wrongly."""
    if b"\0" in data:
        raise ValueError(f"{path.name} is no CSV: byte {start + data.index(0)} is 0, which no text has")
    if not data.isascii():
        data.decode(dialect.encoding)


def _line_number(path: Path, start: int, data: bytes, sentence: str) -> str:
    """' in line 7' for the row that `sentence` quotes, if it is found again."""
    quoted = sentence.partition("the row ")[2].partition(" has ")[0]
    row = quoted[1:-1].encode()
    position = 0 if data.startswith(row) else data.find(b"\n" + row) + 1
    if not row or (not position and not data.startswith(row)):
        return ""
    with path.open("rb") as file:
        above = sum(file.read(min(1 << 20, start - at)).count(b"\n") for at in range(0, start, 1 << 20))
    line = above + data.count(b"\n", 0, position) + 1
    return f" in line {line}"


class Holder(Struct, frozen=True):
    """A piece of a file, with the types that its columns have of themselves."""

    layout: Layout
    piece: Piece
    types: Mapping[str, Any]


def unify(names: Iterable[str], holders: Sequence[Holder]) -> dict[str, Any]:
    """For each column the type that takes what all pieces hold; text takes everything."""
    types = {}
    for name in names:
        kind = _NULL
        for holder in holders:
            kind = _wider(kind, holder.types[name])
        types[name] = kind if all(_fits(kind, name, holder) for holder in holders) else _TEXT
    return types


def _fits(kind: Any, name: str, holder: Holder) -> bool:
    """Whether a piece can be read as `kind`: times may not, the finer resolution has the shorter range."""
    if not pa.types.is_timestamp(kind) or holder.types[name] in (kind, _NULL):
        return True
    try:
        holder.layout.read(holder.piece, {name: kind}, [name])
    except MalformedError:
        return False
    return True


def _wider(one: Any, other: Any) -> Any:
    if other in (one, _NULL):
        return one
    if one == _NULL:
        return other
    if {one, other} == {_INTEGER, _FLOAT}:
        return _FLOAT
    if pa.types.is_temporal(one) and pa.types.is_temporal(other):
        return _wider_time(one, other)
    return _TEXT


def _wider_time(one: Any, other: Any) -> Any:
    """Dates are times without a zone; of two resolutions the finer one counts."""
    times = [kind for kind in (one, other) if pa.types.is_timestamp(kind)]
    zones = {getattr(kind, "tz", None) for kind in (one, other)}
    dates_or_times = all(pa.types.is_timestamp(kind) or pa.types.is_date(kind) for kind in (one, other))
    if not times or len(zones) > 1 or not dates_or_times:
        return _TEXT
    return pa.timestamp("ns" if any(kind.unit == "ns" for kind in times) else times[0].unit, tz=times[0].tz)
