"""An Arrow file that somebody sends: looked at before it is believed."""

from __future__ import annotations

import struct
from typing import Any

import pyarrow
import pyarrow.compute

from tiledkernel.errors import Unprocessable
from tiledkernel.families.table.arrow_messages import (
    BATCH,
    DICTIONARY,
    MAGIC,
    batches_of_file,
    dictionaries_of_file,
    weight_of,
)
from tiledkernel.families.table.fitting import check_fits, fitted, misfit

compute: Any = pyarrow.compute


def decode_upload(data: memoryview, wanted: pyarrow.Schema, limit: int) -> pyarrow.Table:
    """The rows in an Arrow file, with the columns of a table; they lie where the file does, as far as they fit.

    Unprocessable if it is no Arrow file, is damaged, does not fit, or would take more than `limit` bytes of memory.
    """
    _check_frame(data)
    try:
        source = pyarrow.BufferReader(pyarrow.py_buffer(data))
        reader = pyarrow.ipc.open_file(source)
        check_fits(reader.schema, wanted)
        _check_weight(source, limit)
        table = reader.read_all()
        table.validate(full=True)
        _check_dictionaries(table, limit)
        return fitted(table, wanted)
    except (pyarrow.ArrowException, OSError, struct.error, UnicodeDecodeError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise Unprocessable(f"the body is damaged as an Arrow file: {reason}", "body") from error


def _check_frame(data: memoryview) -> None:
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise Unprocessable(
            f"the body is no Arrow file, which begins with {MAGIC.decode()!r}: it begins with {bytes(data[:8])!r}; "
            "write it with pyarrow.ipc.new_file",
            "body",
        )
    if len(data) < 2 * len(MAGIC) or bytes(data[-len(MAGIC) :]) != MAGIC:
        raise Unprocessable("the body is an Arrow file without its end: it was cut off on the way", "body")


def _check_weight(source: Any, limit: int) -> None:
    """Unprocessable if the file says that it takes too much memory; each time that it refers to something counts."""
    values = nbytes = 0
    for kind, messages in ((DICTIONARY, dictionaries_of_file(source)), (BATCH, batches_of_file(source))):
        for message in messages:
            weight = weight_of(source, message, kind)
            values += weight.values
            nbytes += weight.nbytes
            if max(values, nbytes) > limit:
                raise _too_large(limit)


def _check_dictionaries(table: pyarrow.Table, limit: int) -> None:
    """Unprocessable if dictionaries stand for too much: a long text that is referred to a million times."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not pyarrow.types.is_dictionary(column.type):
            continue
        if pyarrow.types.is_nested(column.type.value_type):
            raise misfit(f"the column {name!r} is a dictionary of nested values, which is not taken", name)
        if sum(_decoded_nbytes(chunk) for chunk in column.chunks) > limit:
            raise _too_large(limit)


def _decoded_nbytes(values: Any) -> int:
    kind = values.dictionary.type
    if not any(is_kind(kind) for is_kind in _OF_ANY_LENGTH):
        return len(values) * 32  # as wide as the widest number
    lengths = compute.binary_length(values.dictionary).cast(pyarrow.int64())
    return compute.sum(lengths.take(values.indices)).as_py() or 0


_OF_ANY_LENGTH: tuple[Any, ...] = (
    pyarrow.types.is_string,
    pyarrow.types.is_large_string,
    pyarrow.types.is_binary,
    pyarrow.types.is_large_binary,
    pyarrow.types.is_fixed_size_binary,
)


def _too_large(limit: int) -> Unprocessable:
    return Unprocessable(
        f"the rows would take more than {limit:_} bytes of memory: send fewer at a time, partition by partition", "body"
    )
