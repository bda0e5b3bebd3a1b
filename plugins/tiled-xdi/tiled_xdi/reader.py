"""Open XDI files as tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from tiled_xdi import SPEC
from tiled_xdi.header import Header, parse_header
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.specs import Spec

MAX_SIZE = 256 << 20  # bytes; a scan has a few thousand rows
_END_OF_LINE = re.compile(r"\r\n|\n|\r")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def open_xdi(path: Path) -> MemoryTable:
    """A table with the spec `xdi`, whose metadata are the header; ValueError says what is wrong with the file."""
    status = path.stat()
    if status.st_size > MAX_SIZE:
        raise ValueError(f"{path.name} has {status.st_size} bytes: a scan in XDI has at most {MAX_SIZE}")
    lines = enumerate(_END_OF_LINE.split(_text(path.read_bytes())), start=1)
    header = parse_header(lines)
    columns = _columns(header, list(_rows(lines, header)))
    return MemoryTable(
        pa.table(columns),
        metadata=header.metadata(),
        specs=[Spec(SPEC, version=header.version)],
        generation=(status.st_mtime_ns, status.st_size, status.st_ino),
    )


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _rows(lines: Iterable[tuple[int, str]], header: Header) -> Iterator[list[str]]:
    """The values of each row; on the way the labels, which stand above the first one."""
    count = 0
    for number, line in lines:
        values = line.split()
        if not values:
            continue
        if values[0].startswith("#"):
            if count:
                raise ValueError(f"line {number} begins with '#', which only lines of the header do")
            if header.labels is None:
                header.labels = line.strip()[1:].split()
            continue
        if count and len(values) != count:
            raise ValueError(f"line {number} has {len(values)} values, the lines above it have {count}")
        count = len(values)
        yield values


def _columns(header: Header, rows: Sequence[Sequence[str]]) -> dict[str, pa.Array[pa.Scalar[pa.DataType]]]:
    names = header.column_names(len(rows[0]) if rows else None)
    if not rows:
        return {name: pa.array([], pa.float64()) for name in names}
    return {name: _numbers(name, values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def _numbers(name: str, texts: Sequence[str]) -> pa.Array[pa.Scalar[pa.DataType]]:
    """Integers, if all are such, else floats."""
    if all(map(_WHOLE.fullmatch, texts)):
        return pa.array([int(text) for text in texts], pa.int64())
    try:
        return pa.array([float(text) for text in texts], pa.float64())
    except ValueError as error:
        raise ValueError(f"column {name!r}: {error}") from None
