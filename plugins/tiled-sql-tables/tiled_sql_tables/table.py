"""A table whose rows lie in a database."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from tiled_sql_tables.columns import resting, restored
from tiled_sql_tables.databases import Database, Session, quoted
from tiled_sql_tables.failures import gone
from tiled_sql_tables.names import DATASET, PARTITION, ROW, layout_of
from tiled_sql_tables.registers import State, is_repeated, move_on, state_of
from tiledkernel.errors import NotReady
from tiledkernel.families.table.drafts import decode_schema
from tiledkernel.families.table.fitting import fitted
from tiledkernel.families.table.schemas import with_index
from tiledkernel.families.table.structure import FAMILY, TableStructure
from tiledkernel.families.table.writing import check_partition, divided
from tiledkernel.nodes.storing import Keeper
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec


class SqlTable:
    """The rows of one data set, in a table that it may share with others.

    Rows are numbered in the order in which they were added, and no number is used twice: those below a number are the
    rows of some moment, unless rows were replaced since.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()
    metadata: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self, database: Database, table: str, dataset: int, structure: TableStructure, keeper: Keeper | None = None
    ) -> None:
        self._database = database
        self._table = table
        self._dataset = dataset
        self._keeper = keeper
        self._schema = decode_schema(structure)
        self._layout = layout_of(self._schema, database)
        self._moment: State | None = None
        self.structure = structure

    # Reading

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pa.Table:
        """One partition as it is now; KeyError names a column that there is not."""
        wanted = with_index(self._schema, columns)
        resting_schema = pa.schema([pa.field(name, self._layout[name].arrow) for name in wanted.names])
        with self._database.reading() as session:
            rows = session.read(self._selection(session, partition, wanted), resting_schema)
        return restored(rows, wanted)

    def _selection(self, session: Session, partition: int, wanted: pa.Schema) -> str:
        state = self._state(session)
        below = "" if self._moment is None else f" AND {ROW} < {self._moment.next_row:d}"
        if self._moment is not None and self._moment.replaced != state.replaced:
            raise NotReady("rows of this table were replaced while it was being read: ask again")
        names = ", ".join(map(quoted, wanted.names))
        return (
            f"SELECT {names} FROM {quoted(self._table)} "  # noqa: S608 - names are quoted, and the rest are numbers
            f"WHERE {DATASET} = {self._dataset:d} AND {PARTITION} = {partition:d}{below} ORDER BY {ROW}"
        )

    def steady(self) -> SqlTable:
        """The table with the rows that it has now."""
        held = SqlTable(self._database, self._table, self._dataset, self.structure)
        with self._database.reading() as session:
            held._moment = self._state(session)
        return held

    def stamp(self, cut: Cut | None) -> Hashable:
        """What changes with every write."""
        del cut
        with self._database.reading() as session:
            state = self._state(session)
        return self._dataset, state.next_row, state.replaced

    def _state(self, session: Session, suffix: str = "") -> State:
        state = state_of(session, self._dataset, suffix)
        if state is None:
            raise gone(self._database.kind)
        return state

    # Writing

    def write(self, data: pa.Table) -> None:
        """Replace all rows, which are divided evenly over the partitions."""
        parts = divided(self._at_rest(data), self.structure.npartitions)
        with self._changing() as (session, state):
            session.run(f"DELETE FROM {quoted(self._table)} WHERE {DATASET} = {self._dataset:d}")  # noqa: S608 - names are quoted
            self._add(session, State(state.next_row, state.replaced + 1), list(enumerate(parts)))

    def write_partition(self, partition: int, data: pa.Table) -> None:
        """Replace the rows of one partition."""
        check_partition(partition, self.structure.npartitions)
        rows = self._at_rest(data)
        with self._changing() as (session, state):
            session.run(
                f"DELETE FROM {quoted(self._table)} "  # noqa: S608 - names are quoted, and the rest are numbers
                f"WHERE {DATASET} = {self._dataset:d} AND {PARTITION} = {partition:d}"
            )
            self._add(session, State(state.next_row, state.replaced + 1), [(partition, rows)])

    def append_partition(self, partition: int, data: pa.Table, key: str | None = None) -> None:
        """Add rows to one partition, all or none; once for each key."""
        check_partition(partition, self.structure.npartitions)
        rows = self._at_rest(data)
        with self._changing() as (session, state):
            if key is None or not is_repeated(session, self._dataset, key):
                self._add(session, state, [(partition, rows)])

    def _at_rest(self, data: pa.Table) -> pa.Table:
        return resting(fitted(data, self._schema), self._layout)

    @contextmanager
    def _changing(self) -> Iterator[tuple[Session, State]]:
        """A transaction in which nobody else changes this data set; NotFound if the node is gone."""
        if self._keeper is not None:
            self._keeper.current()
        with self._database.writing() as session:
            yield session, self._state(session, self._database.for_update)

    def _add(self, session: Session, state: State, parts: Sequence[tuple[int, pa.Table]]) -> None:
        number = state.next_row
        for partition, rows in parts:
            if not rows.num_rows:
                continue
            numbers = np.arange(number, number + rows.num_rows)
            own = {DATASET: np.full(rows.num_rows, self._dataset), PARTITION: np.full(rows.num_rows, partition, "i4")}
            named = {**own, ROW: numbers}
            columns: list[Any] = [*map(pa.array, named.values()), *rows.columns]
            session.add(self._table, pa.table(columns, names=[*named, *rows.column_names]))
            number += rows.num_rows
        move_on(session, self._dataset, State(number, state.replaced))

    def __repr__(self) -> str:
        return f"<SqlTable {list(self.structure.columns)} in {self._database.kind}>"
