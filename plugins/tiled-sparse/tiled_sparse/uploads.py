"""Elements that somebody sends: an Arrow file of coordinates and values, looked at before it is believed."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow

from tiled_sparse.drafts import data_type, schema_of
from tiled_sparse.elements import Elements, in_order
from tiled_sparse.structure import SparseStructure
from tiledkernel.errors import Unprocessable
from tiledkernel.families.table.arrow_upload import decode_upload

LIMIT = 1 << 30  # bytes that one request brings, as they travel and in memory
_FRAME = 1 << 20  # bytes of a file besides its columns: names, types, what pandas notes, and padding


def limit_of(structure: SparseStructure, shape: Sequence[int]) -> int:
    """How many bytes the elements of an array, or of a block, of this shape may have."""
    width: int = 8 * (len(shape) + 1) + max(
        structure.data_type.itemsize, 8
    )  # coordinates, an index of pandas, the value
    return min(math.prod(shape) * width + _FRAME, LIMIT)


def decode_elements(body: memoryview, structure: SparseStructure, shape: tuple[int, ...]) -> Elements:
    """The elements in order; Unprocessable if they do not fit an array, or a block, of this shape."""
    table = decode_upload(body, _expected(body, structure), LIMIT)
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count:
            raise Unprocessable(f"the column {name!r} lacks {column.null_count} values", "body", name)
    columns = [_coordinates(table.column(axis).to_numpy(), axis, shape) for axis in range(len(shape))]
    coords = np.array(columns, np.int64).reshape(len(shape), table.num_rows)
    values = table.column("data").to_numpy().astype(data_type(structure), copy=False)
    return in_order(Elements(coords, values, shape))


def _coordinates(found: np.ndarray, axis: int, shape: tuple[int, ...]) -> np.ndarray:
    """A column of coordinates; Unprocessable if some lie outside."""
    if len(found) and not 0 <= found.min() <= found.max() < shape[axis]:
        raise Unprocessable(
            f"coordinates {found.min()} to {found.max()} of axis {axis} lie outside the shape {shape}; those of a "
            "block count from its beginning",
            "body",
            f"dim{axis}",
        )
    return found


def _expected(body: memoryview, structure: SparseStructure) -> pyarrow.Schema:
    """The columns that there must be; coordinates may be of any integers, values of any type that loses nothing."""
    expected = schema_of(structure)
    found = {}
    with contextlib.suppress(pyarrow.ArrowException, OSError, UnicodeDecodeError):  # which decoding it tells better
        found = {field.name: field.type for field in pyarrow.ipc.open_file(pyarrow.py_buffer(body)).schema}
    return pyarrow.schema([(field.name, _taken(found.get(field.name), field)) for field in expected])


def _taken(found: Any, expected: Any) -> Any:
    """The type in which a column may come: the one that it has, if that fits, or else the one that it should have."""
    if found is None:
        return expected.type
    if expected.name != "data":
        return found if pyarrow.types.is_integer(found) else expected.type
    try:
        loses_nothing = np.can_cast(found.to_pandas_dtype(), expected.type.to_pandas_dtype(), "safe")
    except (NotImplementedError, TypeError):  # of columns that no array is like
        return expected.type
    return found if loses_nothing and not pyarrow.types.is_nested(found) else expected.type
