"""One block of a sparse array as a Parquet file: a column of coordinates for each axis, and one of values."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

from tiled_sparse.elements import Elements
from tiledkernel.errors import Unavailable, Unprocessable
from tiledkernel.nodes.durable import place_file, sync_folder

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV)  # of file systems without them, or with few


def encode_block(elements: Elements, schema: pyarrow.Schema) -> memoryview:
    """The content of a file; Unprocessable if Parquet has no such columns."""
    columns = [*elements.coords, elements.data]
    arrays = [
        pyarrow.array(np.asarray(column, column.dtype.newbyteorder("="))).cast(field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return _encode(pyarrow.Table.from_arrays(arrays, schema=schema))


def _encode(table: pyarrow.Table) -> memoryview:
    sink = pyarrow.BufferOutputStream()
    try:
        parquet.write_table(table, sink, write_page_checksum=True)
    except pyarrow.ArrowNotImplementedError as error:
        raise Unprocessable(f"such elements cannot be kept in a sparse array: {error}", "body") from error
    return memoryview(sink.getvalue())


def place_blank(paths: Sequence[Path], schema: pyarrow.Schema) -> None:
    """Files without elements, which are one file under several names where that can be; all in one folder."""
    content: Any = _encode(schema.empty_table())
    first, *others = paths
    place_file(first, content)
    for path in others:
        try:
            os.link(first, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            place_file(path, content)
    sync_folder(first.parent)


def read_block(path: Path, ndim: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Elements:
    """The elements in a file, which may have other columns besides; FileNotFoundError if there is none."""
    names = [*(f"dim{axis}" for axis in range(ndim)), "data"]
    try:
        with path.open("rb") as opened, parquet.ParquetFile(opened, page_checksum_verification=True) as file:
            table = file.read(names)
        columns = [table.column(name).to_numpy() for name in names]
        coords = np.array(columns[:-1], np.int64).reshape(ndim, table.num_rows)
        return Elements(coords, columns[-1].astype(dtype, copy=False), shape)
    except FileNotFoundError:
        raise
    except (pyarrow.ArrowException, KeyError, ValueError, TypeError, OSError) as error:
        raise Unavailable(f"the block file {path.name!r} is damaged: {error}; write the block anew") from error
