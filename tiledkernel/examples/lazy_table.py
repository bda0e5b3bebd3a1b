"""Tables that are made when somebody touches them: until then neither pandas nor pyarrow is imported."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from tiledkernel import references
from tiledkernel.families.table.structure import FAMILY, TableStructure
from tiledkernel.records import Ref
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec

if TYPE_CHECKING:
    import pyarrow as pa

    from tiledkernel.families.table.memory import MemoryTable

DATAFRAME = Spec("dataframe")


class LazyTable:
    """A table node; `make` names a function that returns the same pandas DataFrame whenever it is called."""

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = (DATAFRAME,)

    def __init__(self, make: Ref, *, npartitions: int = 1, metadata: Mapping[str, Any] | None = None) -> None:
        self.metadata: Mapping[str, Any] = {} if metadata is None else metadata
        self._make = make
        self._npartitions = npartitions

    @cached_property
    def _table(self) -> MemoryTable:
        memory_table = references.load("tiledkernel.families.table.memory:MemoryTable")
        made: MemoryTable = memory_table(references.load(self._make)(), npartitions=self._npartitions)
        return made

    @property
    def structure(self) -> TableStructure:
        """Schema, columns and number of partitions."""
        return self._table.structure

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pa.Table:
        """A part of the rows."""
        return self._table.read_partition(partition, columns)

    def stamp(self, cut: Cut | None) -> Hashable:
        """The table's origin, which decides its content."""
        del cut
        return "made by", self._make, self._npartitions

    def __repr__(self) -> str:
        return f"<LazyTable {self._make!r}>"
