"""Tables that live in memory, and what every table node needs to describe itself."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import pyarrow
from msgspec import UNSET

from tiledkernel.families.table.describe import as_arrow, describe_table, index_columns
from tiledkernel.families.table.structure import FAMILY
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec, as_spec

__all__ = ["MemoryTable", "adopt", "as_arrow", "describe_table", "index_columns", "select_columns"]

_generations = itertools.count()


def select_columns(table: pyarrow.Table, columns: Sequence[str] | None) -> pyarrow.Table:
    """The table with only these columns, in this order, and its index columns last; KeyError names an unknown one."""
    if columns is None:
        return table
    known = frozenset(table.schema.names)
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise KeyError(unknown[0])
    index = [name for name in index_columns(table.schema) if name not in columns]
    return table.select([*columns, *index])


class MemoryTable:
    """A table node around a pandas DataFrame, a pyarrow Table, or a dict of columns; divided into `npartitions`."""

    family: ClassVar[str] = FAMILY
    in_memory: ClassVar[bool] = True

    def __init__(
        self,
        table: Any,
        *,
        npartitions: int = 1,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec | str] = (),
        generation: Hashable = UNSET,
    ) -> None:
        if npartitions < 1:
            raise ValueError(f"npartitions must be at least 1, not {npartitions}")
        self.table = as_arrow(table, keep_index=npartitions > 1)
        self.structure = describe_table(self.table.schema, npartitions)
        self.metadata: Mapping[str, Any] = {} if metadata is None else metadata
        self.specs = tuple(as_spec(spec) for spec in specs)
        self._generation = next(_generations) if generation is UNSET else generation

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pyarrow.Table:
        """A slice of the rows, not copied."""
        count = self.structure.npartitions
        rows = self.table.num_rows
        start, stop = rows * partition // count, rows * (partition + 1) // count
        return select_columns(self.table, columns).slice(start, stop - start)

    @property
    def nbytes(self) -> int:
        """Size of the data in memory."""
        return int(self.table.nbytes)

    def stamp(self, cut: Cut | None) -> Hashable:
        """The generation of the data; None if nobody can tell."""
        del cut
        return self._generation

    def __repr__(self) -> str:
        return f"<MemoryTable {list(self.structure.columns)} of {self.table.num_rows} rows>"


def adopt(
    live: Any, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: Hashable
) -> MemoryTable:
    """A table node for a pandas DataFrame, which may change unseen, or a pyarrow Table, which cannot change."""
    fixed = isinstance(live, (pyarrow.Table, pyarrow.RecordBatch))
    return MemoryTable(live, metadata=metadata, specs=specs, generation=generation if fixed else None)
