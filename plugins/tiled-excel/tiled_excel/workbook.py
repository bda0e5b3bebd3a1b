"""A workbook as a container of its sheets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pyarrow as pa

from tiled_excel.process import HELPER, Sheet
from tiled_excel.recent import RECENT
from tiledkernel.errors import Unavailable
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.structure import FAMILY, TableStructure
from tiledkernel.nodes.keys import distinct_keys
from tiledkernel.nodes.stamps import Stamp, stamp_of_status
from tiledkernel.specs import Spec

PARTITION = 16 << 20  # bytes


class SheetTable:
    """A sheet as a table, read when it is touched; what was read is kept for a while.

    The first row names the columns. A sheet that cannot be read is not tried again until the file changes.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(self, path: Path, stamp: Stamp, sheet: Sheet) -> None:
        self._path = path
        self._stamp = stamp
        self._sheet = sheet
        self._failure = ""
        self.metadata: Mapping[str, Any] = {"hidden": True} if sheet.hidden else {}

    @cached_property
    def structure(self) -> TableStructure:
        """Columns and their types, and how many partitions."""
        return self._table().structure

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pa.Table:
        """Some of the rows; KeyError names a column that there is not."""
        return self._table().read_partition(partition, columns)

    def _table(self) -> MemoryTable:
        place = self._path, self._stamp, self._sheet.index
        table = RECENT.get(place)
        if table is None:
            table = self._read()
            RECENT.put(place, table)
        return table

    def _read(self) -> MemoryTable:
        if self._failure:
            raise Unavailable(self._failure)
        try:
            stream = HELPER.table(self._path, self._stamp, self._sheet.index)
        except Unavailable as error:
            self._failure = f"sheet {self._sheet.name!r} of {error}"
            raise Unavailable(self._failure) from error
        table = pa.ipc.open_stream(stream).read_all()
        return MemoryTable(table, npartitions=max(1, -(-table.nbytes // PARTITION)))

    def __repr__(self) -> str:
        return f"<SheetTable {self._sheet.name!r} of {self._path.name!r}>"


def open_workbook(path: Path) -> MemoryContainer:
    """A container of the sheets of a workbook, under their names and in their order; none of them is read yet."""
    with path.open("rb") as file:
        stamp = stamp_of_status(os.fstat(file.fileno()))
    sheets = HELPER.sheets(path, stamp)
    tables = (SheetTable(path, stamp, sheet) for sheet in sheets)
    keys = distinct_keys(sheet.name for sheet in sheets)
    return MemoryContainer(MappingProxyType(dict(zip(keys, tables, strict=True))))  # no dict: its tables may block
