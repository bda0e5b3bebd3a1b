"""Open CSV files as tables, or as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from tiled_csv.array import CsvArray
from tiled_csv.layout import survey
from tiled_csv.options import DEFAULTS, CsvOptions
from tiled_csv.table import CsvTable


def open_csv(path: Path, options: CsvOptions = DEFAULTS) -> CsvTable:
    """A table; large files are divided into partitions."""
    return CsvTable([survey(path, options)])


def open_csv_many(paths: Sequence[Path], options: CsvOptions = DEFAULTS) -> CsvTable:
    """One table whose partitions are the files, in this order; ValueError names one with other columns."""
    layouts = [survey(path, options) for path in paths]
    wanted = layouts[0].dialect.names
    for layout in layouts[1:]:
        names = layout.dialect.names
        if set(names) != set(wanted):
            odd = sorted(set(names) ^ set(wanted))
            raise ValueError(
                f"{layout.path.name} does not fit {layouts[0].path.name}: only one of them has the column {odd[0]!r}; "
                "files of one table have the same columns"
            )
    return CsvTable(layouts)


def open_csv_array(path: Path, options: CsvOptions = DEFAULTS) -> CsvArray:
    """A two-dimensional array of the numbers in a file without a header."""
    return CsvArray(survey(path, structs.replace(options, header=None)))
