"""Graphs of dask whose tasks read a table from a server."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
from dask.base import compute
from dask.dataframe.utils import clear_known_categories
from dask.delayed import delayed

from tiledkernel.client.lazy import Remote
from tiledkernel.families.table.client import DataFrameClient
from tiledkernel.families.table.client_frames import as_frame
from tiledkernel.families.table.structure import SCHEMA_PREFIX, TableStructure


class TableSource(Remote[DataFrameClient]):
    """Partitions that are read when it is called; dask names the columns that are needed."""

    def __call__(self, partition: int, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows of one partition."""
        return self.run(self.node.reading_partition(partition, None if columns is None else list(columns)))


def lazy_frame(client: DataFrameClient, columns: list[str] | None) -> dd.DataFrame:
    """The rows as a DataFrame of dask with the server's partitions: each is fetched in one request when computed."""
    source, partitions = TableSource(client), range(client.npartitions)
    meta = empty_frame(client.structure())
    with dask.config.set({"dataframe.convert-string": False}):  # it would also take bytes for texts
        frame: dd.DataFrame = dd.from_map(  # type: ignore[no-untyped-call]  # dask has no types there
            source, partitions, meta=meta, columns=columns, label="tiled-table"
        )
    return frame


def store_partitions(frame: dd.DataFrame, target: Callable[[pd.DataFrame, int], None]) -> None:
    """Compute the partitions of a DataFrame, and hand each to `target` with its number where it was computed."""
    send: Any = delayed(target, pure=False)
    parts = frame.to_delayed()  # type: ignore[no-untyped-call]  # nor there
    compute(*[send(part, number) for number, part in enumerate(parts)])  # type: ignore[no-untyped-call]  # nor there


def empty_frame(structure: TableStructure) -> pd.DataFrame:
    """A DataFrame without rows: what is known of a table before it is read."""
    encoded = structure.arrow_schema.removeprefix(SCHEMA_PREFIX)
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded)))
    # Which categories there are is not said by the schema.
    empty: pd.DataFrame = clear_known_categories(  # type: ignore[no-untyped-call]  # dask has no types there
        as_frame([schema.empty_table()])
    )
    return empty
