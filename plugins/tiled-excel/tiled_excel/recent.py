"""The sheets that were read last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from tiledkernel.families.table.memory import MemoryTable

LIMIT = 256 << 20  # bytes of all sheets together; the latest is kept, however large it is


class Recent:
    """Tables by sheet, the latest ones up to a number of bytes; safe to use from several threads."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._tables: OrderedDict[Hashable, MemoryTable] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, sheet: Hashable) -> MemoryTable | None:
        """The table, if it is still here."""
        with self._lock:
            table = self._tables.get(sheet)
            if table is not None:
                self._tables.move_to_end(sheet)
            return table

    def put(self, sheet: Hashable, table: MemoryTable) -> None:
        """Keep a table, and let go of those that were not used for longest."""
        with self._lock:
            self._tables[sheet] = table
            self._tables.move_to_end(sheet)
            total = sum(kept.nbytes for kept in self._tables.values())
            while total > self._limit and len(self._tables) > 1:
                _, dropped = self._tables.popitem(last=False)
                total -= dropped.nbytes


RECENT = Recent()
