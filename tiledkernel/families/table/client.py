"""The client of a table; pandas and pyarrow load when rows are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tiledkernel import references
from tiledkernel.client.calls import call_node, call_partition
from tiledkernel.client.errors import ClientError
from tiledkernel.client.exporting import saving
from tiledkernel.client.messages import item_of
from tiledkernel.client.plans import Plan, ask_bytes, ask_message, together
from tiledkernel.client.uris import join_path
from tiledkernel.families.table.client_writing import WritingTable
from tiledkernel.families.table.structure import TableStructure

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class DataFrameClient(WritingTable):
    """A table on the server.

    >>> t.read(["A", "B"])
    >>> t["A"][:10]
    >>> t.write({"A": [1, 2], "B": ["x", "y"]})
    """

    structure_type: ClassVar = TableStructure

    def structure(self) -> TableStructure:
        """Schema, columns and number of partitions."""
        structure: TableStructure = super().structure()
        return structure

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.structure().columns)

    @property
    def npartitions(self) -> int:
        """Number of parts in which the rows are kept."""
        return self.structure().npartitions

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __contains__(self, column: object) -> bool:
        return column in self.structure().columns

    def read(self, columns: str | Sequence[str] | None = None) -> pd.DataFrame:
        """All rows, of all columns or of those named.

        >>> t.read()
        >>> t.read(["A", "B"])
        """
        return self._run(self.reading(checked_columns(columns)))

    def reading(self, columns: list[str] | None) -> Plan[pd.DataFrame]:
        """What `read` does, for another plan."""
        as_frame = _frames("as_frame")  # loads pyarrow, or says that it is missing, before anything travels
        tables = yield from together(self._fetching(number, columns) for number in range(self.npartitions))
        frame: pd.DataFrame = as_frame(tables)
        return frame

    def read_partition(self, partition: int, columns: str | Sequence[str] | None = None) -> pd.DataFrame:
        """The rows of one partition, of all columns or of those named."""
        self._check_partition(partition)
        return self._run(self.reading_partition(partition, checked_columns(columns)))

    def _check_partition(self, partition: int) -> None:
        if not 0 <= partition < self.npartitions:
            raise IndexError(f"no partition {partition}: this table has {self.npartitions}, counted from 0")

    def reading_partition(self, partition: int, columns: list[str] | None) -> Plan[pd.DataFrame]:
        """What `read_partition` does, for another plan."""
        table = yield from self._fetching(partition, columns)
        frame: pd.DataFrame = _frames("as_frame")([table])
        return frame

    def _fetching(self, partition: int, columns: list[str] | None) -> Plan[pa.Table]:
        decode = _frames("decode_arrow_file")
        table: pa.Table = decode((yield from ask_bytes(call_partition(self._link("partition"), partition, columns))))
        return table

    def __getitem__(self, column: str) -> Any:
        """One column, as the client of an array."""
        if not isinstance(column, str):
            raise TypeError(f"{column!r} is no name of a column: to read several, use .read({column!r})")
        if column not in self:
            raise KeyError(column)
        return self._run(self._finding_column(column))

    def _finding_column(self, column: str) -> Plan[Any]:
        url = join_path(self.uri, (column,))
        try:
            answer = yield from ask_message(call_node(url, include_data_sources=self._include_data_sources))
        except ClientError as error:
            if error.response.status_code in (404, 410):
                raise KeyError(column) from error
            raise
        return self._client_of(item_of(answer))

    def export(self, filepath: Any, columns: str | Sequence[str] | None = None, *, format: str | None = None) -> None:  # noqa: A002 - the name that users know
        """Save the table, or only some of its columns.

        Parameters
        ----------
        filepath
            A path, whose suffix names the format, or a writable binary buffer.
        columns
            Names; all if left out.
        format
            A suffix such as 'csv' or a media type such as 'text/csv'.

        Examples
        --------
        >>> t.export("table.xlsx", ["A", "B"])
        """
        return self._run(saving(self._link("full"), filepath, format, choose=("column", checked_columns(columns))))

    def _ipython_key_completions_(self) -> list[str]:
        return self.columns

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.columns}>"


def checked_columns(columns: str | Sequence[str] | None) -> list[str] | None:
    """The names of columns as a list, None for all; ValueError if there are none."""
    if columns is None:
        return None
    chosen = [columns] if isinstance(columns, str) else list(columns)
    if not chosen:
        raise ValueError("no columns are chosen: name at least one, or leave columns out for all")
    return chosen


def _frames(name: str) -> Callable[[Any], Any]:
    loaded: Callable[[Any], Any] = references.load(f"tiledkernel.families.table.client_frames:{name}")
    return loaded
