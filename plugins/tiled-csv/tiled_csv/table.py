"""CSV files as a table."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from tiled_csv.layout import Holder, Layout, Piece, file_stamp, unify
from tiledkernel.families.table.memory import describe_table
from tiledkernel.families.table.structure import FAMILY
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec


class CsvTable:
    """A table node over one file or several with the same columns; a partition is a piece of a file.

    Nothing is held in memory: reading a partition parses its piece, and converts only the columns asked for.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(self, layouts: Sequence[Layout]) -> None:
        self._layouts = tuple(layouts)
        first = self._layouts[0]
        holders = [Holder(layout, piece, layout.types) for layout in self._layouts for piece in layout.pieces]
        types = unify(first.dialect.names, holders)
        # As in pandas, a column in which nothing was ever written is one of missing numbers.
        self._types = {name: pa.float64() if pa.types.is_null(kind) else kind for name, kind in types.items()}
        self._parts = [(holder.layout, holder.piece) for holder in holders]
        if not self._parts:  # a header and nothing else
            self._parts = [(first, Piece(first.dialect.start, first.dialect.start, 0))]
        self.structure = describe_table(pa.schema(list(self._types.items())), len(self._parts))
        comments = first.dialect.comments
        self.metadata: Mapping[str, Any] = {"comments": list(comments)} if comments else {}

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pa.Table:
        """One partition; KeyError names a column that there is not."""
        names = self.structure.columns if columns is None else tuple(columns)
        for name in names:
            if name not in self._types:
                raise KeyError(name)
        layout, piece = self._parts[partition]
        return layout.read(piece, self._types, names)

    def stamp(self, cut: Cut | None) -> Hashable:
        """Size and time of change of every file; None for one that is gone."""
        del cut
        return tuple(file_stamp(layout.path) if layout.path.exists() else None for layout in self._layouts)

    def __repr__(self) -> str:
        first = self._layouts[0].path.name
        return f"<CsvTable {first!r} of {len(self._layouts)} files, {len(self._parts)} partitions>"
