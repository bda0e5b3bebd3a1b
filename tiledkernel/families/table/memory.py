"""Tables that live in memory, and what every table node needs to describe itself."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow
from msgspec import UNSET

from tiledkernel.families.table.structure import FAMILY, SCHEMA_PREFIX, TableStructure
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec, as_spec

_generations = itertools.count()


def describe_table(schema: pyarrow.Schema, npartitions: int = 1) -> TableStructure:
    """The structure of a table with this Arrow schema; index columns that pandas noted are not among its columns."""
    encoded = SCHEMA_PREFIX + base64.b64encode(schema.serialize()).decode()
    index = index_columns(schema)
    return TableStructure(
        arrow_schema=encoded,
        npartitions=npartitions,
        columns=tuple(name for name in schema.names if name not in index),
    )


def index_columns(schema: pyarrow.Schema) -> tuple[str, ...]:
    """Names of the columns that hold a pandas index, as the schema's pandas metadata has them."""
    noted = (schema.metadata or {}).get(b"pandas")
    if not noted:
        return ()
    names = json.loads(noted).get("index_columns", [])
    return tuple(name for name in names if isinstance(name, str) and name in schema.names)


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


def as_arrow(table: Any, *, keep_index: bool = False) -> pyarrow.Table:
    """An Arrow table from a pandas DataFrame, a pyarrow Table or RecordBatch, or a dict of columns.

    An unnamed range index of pandas is left out unless `keep_index`, which partitions need to number their rows.
    """
    if isinstance(table, pyarrow.Table):
        return table
    if isinstance(table, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([table])
    if isinstance(table, Mapping):
        return pyarrow.table({name: as_column(values) for name, values in table.items()})
    plain_range = type(table.index).__name__ == "RangeIndex" and table.index.name is None
    return pyarrow.Table.from_pandas(table, preserve_index=keep_index or not plain_range)


def as_column(values: Any) -> Any:
    """A column of a table; TypeError for a numpy array of elements that Arrow does not have."""
    if not isinstance(values, np.ndarray):
        return values
    native = values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
    try:
        return pyarrow.array(native)
    except pyarrow.ArrowException as error:
        raise TypeError(f"the column of a table cannot hold elements of type {values.dtype}: {error}") from error


def adopt(
    live: Any, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: Hashable
) -> MemoryTable:
    """A table node for a pandas DataFrame, which may change unseen, or a pyarrow Table, which cannot change."""
    fixed = isinstance(live, (pyarrow.Table, pyarrow.RecordBatch))
    return MemoryTable(live, metadata=metadata, specs=specs, generation=generation if fixed else None)
