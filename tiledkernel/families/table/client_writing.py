"""The client of a table that is written: as a whole, by partition, or row by row."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

import msgspec

from tiledkernel import references
from tiledkernel.client.calls import Call, call_upload
from tiledkernel.client.creating import creating
from tiledkernel.client.data_sources import DataSource
from tiledkernel.client.lazy import Remote, load_with_dask
from tiledkernel.client.node import Node
from tiledkernel.client.plans import Plan, ask_upload, together
from tiledkernel.families.table.structure import TableStructure
from tiledkernel.media_types import ARROW_FILE

if TYPE_CHECKING:
    from tiledkernel.specs import Spec

APPENDABLE = "application/x-tiled-sql-table"
_AT_ONCE = 4  # partitions that travel at the same time; each is copied before


class WritingTable(Node):
    """The writing half of a table."""

    def write(self, data: Any) -> None:
        """Replace all rows; others who read see those from before, or all of the new ones.

        Parameters
        ----------
        data
            A DataFrame of pandas, a dictionary of columns, or a table of pyarrow, with the same columns. One of dask is
            written partition by partition, and must have as many.

        Examples
        --------
        >>> t.write({"x": [1, 2, 3], "y": [4, 5, 6]})
        """
        return self._run(self.writing(data))

    def writing(self, data: Any) -> Plan[None]:
        """What `t.write(data)` does, for another plan."""
        if is_lazy(data):
            yield from self._writing_lazily(data)
            return
        rows = _rows("rows_like")(data, self.structure())
        yield from ask_upload(self._sending("PUT", "full", rows))

    def write_partition(self, partition: int, data: Any) -> None:
        """Replace the rows of one partition.

        >>> t.write_partition(0, {"x": [1, 2, 3], "y": [4, 5, 6]})
        """
        partition, data = _in_order(partition, data, "write_partition")
        return self._run(self.writing_partition(partition, data))

    def writing_partition(self, partition: int, data: Any) -> Plan[None]:
        """What `t.write_partition(partition, data)` does, for another plan."""
        self._check_number(partition)
        rows = _rows("rows_like")(data, self.structure())
        yield from ask_upload(self._sending("PUT", "partition", rows, partition))

    def append_partition(self, partition: int, data: Any) -> None:
        """Add rows to one partition of a table that `create_appendable_table` has made.

        They are added once, all or none. If the connection breaks before the server has said that they are, the error
        says so; a server that recognises what it has done already is asked again.

        >>> t.append_partition(0, {"x": [1, 2, 3], "y": [4, 5, 6]})
        """
        partition, data = _in_order(partition, data, "append_partition")
        return self._run(self.appending_partition(partition, data))

    def appending_partition(self, partition: int, data: Any) -> Plan[None]:
        """What `t.append_partition(partition, data)` does, for another plan."""
        self._check_number(partition)
        rows = _rows("rows_like")(data, self.structure())
        call = self._sending("PATCH", "partition", rows, partition)
        headers = {**call.headers, "idempotency-key": secrets.token_urlsafe(16)}
        recognised = self.context.server_info.recognises_attempts  # other servers would add them twice
        yield from ask_upload(msgspec.structs.replace(call, headers=headers, repeatable=recognised))

    def _check_number(self, partition: int) -> None:
        count = self.structure().npartitions
        if not 0 <= partition < count:
            raise ValueError(f"no partition {partition}: this table has {count}, counted from 0")

    def _sending(self, method: Any, link: str, rows: Any, partition: int | None = None) -> Call:
        named = [] if partition is None else [("partition", str(partition))]
        return call_upload(method, self._link(link), _rows("encode_rows")(rows), ARROW_FILE, named)

    def filling(self, rows: Any) -> Plan[None]:
        """Write all rows, several partitions at the same time."""
        count = self.structure().npartitions
        if count == 1:
            yield from ask_upload(self._sending("PUT", "full", rows))
            return
        parts = _rows("divided")(rows, count)
        yield from together((self._sending_part(number, part) for number, part in enumerate(parts)), _AT_ONCE)

    def _sending_part(self, number: int, rows: Any) -> Plan[None]:
        yield from ask_upload(self._sending("PUT", "partition", rows, number))

    def _writing_lazily(self, frame: Any) -> Plan[None]:
        """Write a DataFrame of dask, whose partitions are sent by the threads, or the machines, that compute them."""
        yield from ()
        count = self.structure().npartitions
        if frame.npartitions != count:
            raise ValueError(
                f"the DataFrame has {frame.npartitions} partitions, and the table has {count}: divide it alike, "
                f"`frame.repartition(npartitions={count})`"
            )
        store: Callable[..., None] = load_with_dask("tiledkernel.families.table.client_graph:store_partitions")
        store(frame, PartitionTarget(self))


class PartitionTarget(Remote[WritingTable]):
    """A table on a server, of which partitions are written by whoever computes them."""

    def __call__(self, data: Any, partition: int) -> None:
        """Replace the rows of one partition; what only counts the rows is an index like any other."""
        self.run(self.node.writing_partition(partition, _rows("with_index")(data)))


def writing_table(  # noqa: PLR0913 - what a node is described with
    container: Node,
    data: Any,
    *,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
) -> Plan[Any]:
    """Store a DataFrame of pandas or dask, columns, or a table of pyarrow in a new node.

    As one request; of several partitions, some travel side by side.
    """
    rows = None if is_lazy(data) else _rows("as_rows")(data)
    structure = _rows("describe_lazy")(data) if rows is None else _rows("describe_rows")(rows)
    source = _source(structure)
    node = yield from creating(
        container, "table", [source], key=key, metadata=metadata, specs=specs, access_tags=access_tags
    )
    if rows is None:
        yield from node.writing(data)
    else:  # also if there are none: a server may know no table of which nothing was ever written
        yield from node.filling(rows)
    return node


def creating_appendable_table(  # noqa: PLR0913 - what a node is described with
    container: Node,
    schema: Any,
    npartitions: int = 1,
    *,
    table_name: str | None = None,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
) -> Plan[Any]:
    """A new, empty table to which rows can be added; those of one `table_name` lie together in the database."""
    structure = _rows("describe_schema")(schema, npartitions)
    source = msgspec.structs.replace(
        _source(structure), mimetype=APPENDABLE, parameters={} if table_name is None else {"table_name": table_name}
    )
    return (
        yield from creating(
            container, "table", [source], key=key, metadata=metadata, specs=specs, access_tags=access_tags
        )
    )


def is_lazy(data: Any) -> bool:
    """Whether this is a DataFrame of dask, which is divided into partitions and not computed yet."""
    return hasattr(data, "__dask_graph__") and hasattr(data, "npartitions") and hasattr(data, "columns")


def _source(structure: TableStructure) -> DataSource:
    return DataSource(structure_family="table", structure=structure)


def _in_order(partition: Any, data: Any, method: str) -> tuple[int, Any]:
    """The number of a partition and its rows, which may have been given the other way round."""
    if not isinstance(partition, Integral) and isinstance(data, Integral):
        warnings.warn(f"the partition comes first: {method}({data}, rows)", DeprecationWarning, stacklevel=3)
        partition, data = data, partition
    if not isinstance(partition, Integral):
        raise TypeError(f"partitions are counted from 0: {partition!r:.80} is no number")
    return int(partition), data


def _rows(name: str) -> Callable[..., Any]:
    loaded: Callable[..., Any] = references.load(f"tiledkernel.families.table.client_rows:{name}")
    return loaded
