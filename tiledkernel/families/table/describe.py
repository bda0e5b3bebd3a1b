"""Tables described: what has columns, as Arrow has it, and what is said of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow

from tiledkernel.families.table.structure import SCHEMA_PREFIX, TableStructure


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


def as_arrow(table: Any, *, keep_index: bool = False) -> pyarrow.Table:
    """An Arrow table from a pandas DataFrame, a dict of columns, or whatever hands over columns as Arrow has them.

    An unnamed range index of pandas is left out unless `keep_index`, which partitions need to number their rows.
    """
    if isinstance(table, pyarrow.Table):
        return table
    if isinstance(table, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([table])
    if isinstance(table, Mapping):
        return pyarrow.table({name: as_column(values) for name, values in table.items()})
    if hasattr(table, "__arrow_c_stream__") and not hasattr(table, "index"):
        return pyarrow.table(table)
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
