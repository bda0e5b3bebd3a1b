"""Tables in HDF5: a group with one dataset for each column, in the order of the columns; no index, as in CSV.

They grow while the table is read, partition by partition. Missing numbers and truth values are NaN, which makes floats
of integers; missing dates and durations are NaT, as integers; missing texts are empty. What is neither a number, a
date, bytes nor a text, such as a list, is JSON text.
"""

from __future__ import annotations

from typing import Any, Protocol

import h5py
import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import types

from tiled_exporters.hdf5_attributes import link_name
from tiled_exporters.hdf5_elements import remarks
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.families.table.texts import as_texts, column_names, compute, partitions, pieces

NAT = int(np.iinfo(np.int64).min)  # what stands for a missing date or duration
_CHUNK = 1 << 16  # bytes of a chunk, at most


def write_columns(group: h5py.Group, payload: TablePayload) -> int:
    """Write all columns of a table into a group; the size of what was read, in bytes."""
    columns: list[_Column] = []
    nbytes = 0
    for table in partitions(payload):
        nbytes += table.nbytes
        columns = columns or _create(group, payload, table.num_rows * len(payload.partitions))
        for piece in pieces(table):
            for place, column in enumerate(columns):
                column.append(piece.column(place))
    return nbytes


def _create(group: h5py.Group, payload: TablePayload, rows: int) -> list[_Column]:
    """Empty datasets, for about so many rows."""
    kinds = [field.type for field in payload.schema if field.name not in payload.index]
    return [_Column(group, name, kind, rows) for name, kind in zip(column_names(payload), kinds, strict=True)]


def _refusal(column: str, reason: str) -> NotAcceptable:
    return NotAcceptable(f"column {column!r} does not fit into HDF5: {reason}; name others with 'column='")


class _Column:
    """A dataset that grows; one of integers becomes one of floats when the first value is missing."""

    def __init__(self, group: h5py.Group, name: str, kind: pyarrow.DataType, rows: int) -> None:
        self._group = group
        self._rows = rows
        self._name = name
        self._link = link_name(name)
        if self._link in group:
            raise _refusal(name, f"there is a dataset {self._link!r} already")
        self._content = _content_of(kind)
        self._dataset = self._create(self._content.dtype)

    def _create(self, dtype: Any) -> h5py.Dataset:
        rows = max(1, min(self._rows, _CHUNK // np.dtype(dtype).itemsize))
        dataset = self._group.create_dataset(self._link, (0,), dtype, maxshape=(None,), chunks=(rows,))
        dataset.attrs.update(self._content.attributes)
        return dataset

    def append(self, column: Any) -> None:
        """Put more values behind those that there are."""
        try:
            values = self._content.values(column)
        except ValueError as error:
            raise _refusal(self._name, str(error)) from error
        if values.dtype.kind == "f" and self._dataset.dtype.kind in "biu":
            self._widen()
        start = len(self._dataset)
        self._dataset.resize((start + len(values),))
        if values.dtype.kind != "O":
            self._dataset[start:] = values
            return
        # To assign objects would take those of equal length for the rows of a plane.
        space = self._dataset.id.get_space()
        space.select_hyperslab((start,), values.shape)
        kind = h5py.h5t.py_create(self._dataset.dtype)
        self._dataset.id.write(h5py.h5s.create_simple(values.shape), space, values, kind)

    def _widen(self) -> None:
        written: NDArray[np.float64] = self._dataset[:].astype(np.float64)
        del self._group[self._link]
        self._dataset = self._create(np.float64)
        self._dataset.resize(written.shape)
        self._dataset[:] = written


class _Content(Protocol):
    """How values of one type are stored."""

    @property
    def dtype(self) -> Any:
        """The type of the dataset."""

    @property
    def attributes(self) -> dict[str, Any]:
        """What has to be said of it."""

    def values(self, column: Any) -> NDArray[Any]:
        """What to store; ValueError says why that cannot be."""


class _Numbers:
    def __init__(self, kind: Any) -> None:
        self.dtype: Any = np.dtype(
            np.float64 if types.is_decimal(kind) or types.is_null(kind) else kind.to_pandas_dtype()
        )
        self.attributes: dict[str, Any] = {}

    def values(self, column: Any) -> NDArray[Any]:
        exact = self.dtype.kind != "f" and not column.null_count
        if types.is_boolean(column.type) and not exact:
            column = column.cast(pyarrow.uint8())
        wanted = self.dtype if exact or self.dtype.kind == "f" else np.dtype(np.float64)
        return np.asarray(column.cast(pyarrow.from_numpy_dtype(wanted), safe=False).to_numpy())


class _Times:
    """Dates and durations: integers, of which attributes say what they count."""

    dtype: Any = np.dtype(np.int64)

    def __init__(self, kind: Any) -> None:
        self._whole = pyarrow.int32() if types.is_date32(kind) else pyarrow.int64()
        unit = "D" if types.is_date32(kind) else "ms" if types.is_date64(kind) else kind.unit
        zone = {"timezone": kind.tz} if types.is_timestamp(kind) and kind.tz else {}
        self.attributes: dict[str, Any] = (
            remarks(np.dtype(f"{'m' if types.is_duration(kind) else 'M'}8[{unit}]")) | zone
        )

    def values(self, column: Any) -> NDArray[Any]:
        return np.asarray(column.cast(self._whole).cast(pyarrow.int64()).fill_null(NAT).to_numpy())


class _Texts:
    def __init__(self) -> None:
        self.dtype: Any = h5py.string_dtype()
        self.attributes: dict[str, Any] = {}

    def values(self, column: Any) -> NDArray[Any]:
        texts = as_texts(column).fill_null("")
        if compute.any(compute.match_substring(texts, "\0")).as_py():
            raise ValueError("a text has a NUL, at which texts end there")
        return np.array(texts.to_pylist(), object)


class _Bytes:
    """Bytes may hold anything, NULs too: each value is a list of them."""

    def __init__(self) -> None:
        self.dtype: Any = h5py.vlen_dtype(np.uint8)
        self.attributes: dict[str, Any] = {}

    def values(self, column: Any) -> NDArray[Any]:
        stored = np.empty(len(column), object)
        stored[:] = [np.frombuffer(value or b"", np.uint8) for value in column.to_pylist()]
        return stored


def _content_of(kind: pyarrow.DataType) -> _Content:
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        return _Numbers(kind)
    if types.is_decimal(kind) or types.is_null(kind):
        return _Numbers(kind)
    if types.is_timestamp(kind) or types.is_date(kind) or types.is_duration(kind):
        return _Times(kind)
    is_binary = str(kind).startswith(("binary", "large_binary", "fixed_size_binary"))
    return _Bytes() if is_binary else _Texts()
