"""A CSV file without a header as a two-dimensional array of numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tiled_csv.layout import Layout, Piece, file_stamp
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec


class CsvArray:
    """An array node of rows and columns; chunks are pieces of the file. Missing values are NaN."""

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()
    metadata: Mapping[str, Any]

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._dtype = _common_type(layout)
        names = layout.dialect.names
        rows = tuple(piece.rows for piece in layout.pieces)
        self.structure = describe_array((sum(rows), len(names)), self._dtype, (rows, (len(names),)))
        self.metadata = {"comments": list(layout.dialect.comments)} if layout.dialect.comments else {}

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements; only the pieces and columns that they are in are parsed."""
        rows, columns = (_as_slice(part) for part in cut.index)
        names = self._layout.dialect.names[columns]
        result = np.empty((len(range(*rows.indices(self.structure.shape[0]))), len(names)), self._dtype)
        filled = 0
        for piece, inside in self._touched(rows) if names else ():
            table = self._layout.read(piece, dict.fromkeys(names, pa.from_numpy_dtype(self._dtype)), names)
            for position, name in enumerate(names):
                values = table[name].to_numpy()[inside]  # missing values of floats come as NaN
                result[filled : filled + len(values), position] = values
            filled += len(range(*inside.indices(piece.rows)))
        return result[tuple(0 if isinstance(part, int) else slice(None) for part in cut.index)]

    def _touched(self, rows: slice) -> Iterator[tuple[Piece, slice]]:
        """The pieces that hold some of `rows`, each with the rows to take of it."""
        first = 0
        for piece in self._layout.pieces:
            wanted = range(rows.start, min(rows.stop, first + piece.rows), rows.step)
            skipped = max(0, -(-(first - rows.start) // rows.step))  # steps before this piece
            wanted = wanted[skipped:]
            if wanted:
                yield piece, slice(wanted[0] - first, wanted[-1] - first + 1, rows.step)
            first += piece.rows

    def stamp(self, cut: Cut | None) -> Hashable:
        """Size and time of change of the file."""
        del cut
        return file_stamp(self._layout.path)

    def __repr__(self) -> str:
        return f"<CsvArray {self._layout.path.name!r} shape={self.structure.shape} dtype={self._dtype}>"


def _as_slice(part: int | slice) -> slice:
    return slice(part, part + 1, 1) if isinstance(part, int) else part


def _common_type(layout: Layout) -> np.dtype[Any]:
    """The type that takes all columns; ValueError names one that holds no numbers."""
    kinds = set(layout.types.values())
    if kinds == {pa.bool_()} and not layout.gaps:
        return np.dtype(np.bool_)
    for position, kind in enumerate(layout.types.values()):
        if kind not in (pa.int64(), pa.float64(), pa.null()):
            raise ValueError(
                f"{layout.path.name} is no array of numbers: column {position} is {kind}; "
                "open it as a table, with the media type 'text/csv'"
            )
    return np.dtype(np.int64 if kinds == {pa.int64()} and not layout.gaps else np.float64)
