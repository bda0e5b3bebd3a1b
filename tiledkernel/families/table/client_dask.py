"""The client of a table that reads later: it gives DataFrames of dask, which loads when the first is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tiledkernel.client.lazy import load_with_dask
from tiledkernel.families.table.client import DataFrameClient, checked_columns

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd


class DaskDataFrameClient(DataFrameClient):
    """A table on the server: read it, and get a DataFrame of dask, whose partitions are fetched when it is computed.

    >>> t.read().groupby("sample").mean().compute()
    >>> t.compute()
    """

    def read(self, columns: str | Sequence[str] | None = None) -> dd.DataFrame:  # type: ignore[override]  # it is read later
        """All rows, of all columns or of those named, to be fetched later: each partition in one request.

        Columns that are not needed for what is computed do not travel.

        >>> t.read()["A"].max().compute()
        """
        return _lazy_frame(self, self._known(columns))

    def read_partition(self, partition: int, columns: str | Sequence[str] | None = None) -> dd.DataFrame:  # type: ignore[override]  # it is read later
        """The rows of one partition, of all columns or of those named, to be fetched later."""
        self._check_partition(partition)
        part: dd.DataFrame = self.read(columns).get_partition(partition)  # type: ignore[no-untyped-call]  # dask has no types there
        return part

    def compute(self) -> pd.DataFrame:
        """All rows, now."""
        return self._run(self.reading(None))

    def _known(self, columns: str | Sequence[str] | None) -> list[str] | None:
        """The names of columns that are there; KeyError now, not when all else has been computed."""
        chosen = checked_columns(columns)
        unknown = [column for column in chosen or () if column not in self]
        if unknown:
            raise KeyError(f"no column {unknown[0]!r}: this table has {', '.join(self.columns)}")
        return chosen


def _lazy_frame(client: DataFrameClient, columns: list[str] | None) -> dd.DataFrame:
    build: Callable[..., dd.DataFrame] = load_with_dask("tiledkernel.families.table.client_graph:lazy_frame")
    return build(client, columns)
